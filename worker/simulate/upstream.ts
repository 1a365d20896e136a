/**
 * A provider as the simulation has it: an HTTP response in the Chat Completions format that comes, or fails, as its fate says.
 */
import type { SimClock } from './clock.ts'
import type { Fate } from './weather.ts'

const PIECES = 4
/** A cut answer breaks off where this piece should have come. */
const CUT_BEFORE = 3
const encoder = new TextEncoder()
const SSE = { 'content-type': 'text/event-stream' }

const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'simulated', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

/** What a whole answer to this request says. */
export const textOf = (request: number) => Array.from({ length: PIECES }, (_, i) => `${request}:${i} `).join('')

/** `begun`: what of the answer was already said. */
export async function answer(fate: Fate, request: number, begun: string, signal: AbortSignal, clock: SimClock): Promise<Response> {
  if (fate.meets === 'silence') return aborted(signal)
  const after_ms = 'first_token_ms' in fate ? fate.first_token_ms : fate.after_ms
  await Promise.race([clock.sleep(after_ms), aborted(signal)])
  if (fate.meets === 'unreachable') throw new TypeError('fetch failed')
  if (fate.meets === 'status') {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (fate.retry_after_ms !== null) headers['retry-after-ms'] = String(fate.retry_after_ms)
    return new Response(JSON.stringify({ error: { message: 'simulated', type: 'server_error' } }), { status: fate.status, headers })
  }
  return new Response(streamOf(fate, textOf(request).slice(begun.length), signal, clock), { headers: SSE })
}

function aborted(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) => {
    const stop = () => reject(new DOMException('The operation was aborted', 'AbortError'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  // In a race it may lose, and then nobody looks at it again.
  rejected.catch(() => undefined)
  return rejected
}

/** The first piece at once, the others evenly until the end; a cut one breaks off before its last. */
function streamOf(
  { meets, first_token_ms, whole_ms }: Extract<Fate, { whole_ms: number }>,
  text: string,
  signal: AbortSignal,
  clock: SimClock,
) {
  const length = Math.ceil(text.length / PIECES)
  const pieces = Array.from({ length: PIECES }, (_, i) => text.slice(i * length, (i + 1) * length))
  const gap_ms = (whole_ms - first_token_ms) / (meets === 'cut' ? CUT_BEFORE : PIECES)
  let at = 0
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener('abort', () => {
          if (at <= PIECES) controller.error(new DOMException('The operation was aborted', 'AbortError'))
        })
      },
      async pull(controller) {
        if (at > 0) await clock.sleep(gap_ms)
        if (signal.aborted) return
        if (meets === 'cut' && at === CUT_BEFORE) {
          at = PIECES + 1
          return controller.error(new TypeError('Network connection lost.'))
        }
        const piece = pieces[at++]
        if (piece !== undefined) return controller.enqueue(encoder.encode(chunk({ content: piece }, null)))
        controller.enqueue(encoder.encode(`${chunk({}, 'stop')}data: [DONE]\n\n`))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}
