/**
 * A request carried by the real dispatch: a fake upstream that meets its fate in bytes, an answer read to its end, and the text
 * of what is called complete compared with what the upstream said.
 */
import './platform.ts'
import { parseJsonText } from '../core/json-text.ts'
import { openaiChat } from '../dialects/openai-chat/dialect.ts'
import { dispatch } from '../dispatch/dispatch.ts'
import type { DecisionRecord } from '../schema/decision.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import type { SimClock } from './clock.ts'
import type { Journey, Passenger } from './journey.ts'
import type { Scene } from './scene.ts'
import { answer, textOf } from './upstream.ts'

const BODY = new TextEncoder().encode('{"model":"auto","messages":[{"role":"user","content":"simulated"}],"stream":true}')
const NEVER = new AbortController().signal
const UTF8 = new TextDecoder()

export function carry(
  passenger: Passenger,
  record: DecisionRecord,
  scene: Scene,
  clock: SimClock,
  done: (journey: Journey) => void,
  wrongText: () => void,
): void {
  void carried(passenger, record, scene, clock, wrongText).then(done)
}

async function carried(
  passenger: Passenger,
  record: DecisionRecord,
  scene: Scene,
  clock: SimClock,
  wrongText: () => void,
): Promise<Journey> {
  const { started_at_ms, number, tell } = passenger
  const json = parseJsonText(BODY)
  if (!json.ok) throw new Error('the simulated body is no JSON')
  let calls = 0
  const result = await dispatch(
    {
      dialect: openaiChat,
      request: scene.request,
      json: json.value,
      record,
      losses: () => [],
      stream_usage: 'as_asked',
      started_at_ms,
      gone: NEVER,
    },
    {
      effects: {
        nowMs: clock.nowMs,
        sleep: clock.sleep,
        after: clock.after,
        draw: passenger.draw,
        newDecisionId: () => record.decision_id,
        fetch: (_transport, url, init) => {
          const target = scene.catalogue.targets.find(each => each.stream_url === url && each.target.model === modelIn(init.body))
          if (target === undefined) throw new Error(`nobody is at ${url}`)
          calls++
          return answer(passenger.fateOf(target.id, calls), number, begunIn(init.body), init.signal ?? NEVER, clock)
        },
      },
      target: id => scene.catalogue.by_id.get(id),
      dialect: name => (name === 'openai-chat' ? openaiChat : undefined),
      credential: () => null,
      sign: async () => ({}),
      report: ({ target, class: kind, sent_at_ms, first_token_ms, waited_ms, retry_after_ms, probe }) =>
        tell({ target, class: kind, sent_at_ms, first_token_ms, ...(waited_ms !== undefined && { waited_ms }), retry_after_ms, probe }),
      retries: passenger.retries,
      hedges: passenger.hedges,
      waitUntil: promise => void promise,
    },
  )
  const journey = (how: Journey['how'], attempts: AttemptRecord[], first_token_ms: number | null): Journey => ({
    how,
    attempts: attempts.map(({ target, sent_at_ms, probe, class: kind, role }) => ({
      target,
      sent_at_ms,
      probe,
      class: kind,
      ...(role === 'hedge' && { hedge: true as const }),
    })),
    started_at_ms,
    ended_at_ms: clock.nowMs(),
    first_token_ms,
  })
  if (!result.ok) return journey('failed', result.error.attempts, null)
  const { body, ended } = result.value.release()
  const text = body instanceof ReadableStream ? await readAll(body) : String(body)
  const { outcome, attempts, first_token_ms } = await ended
  if (outcome !== 'completed') return journey('cut', attempts, first_token_ms)
  if (contentOf(text) !== textOf(number)) wrongText()
  return journey('answered', attempts, first_token_ms)
}

/** The beginning of an answer that a target is to go on from. */
function begunIn(body: unknown): string {
  const last = (JSON.parse(String(body)) as { messages: { role: string; content: unknown }[] }).messages.at(-1)
  return last?.role === 'assistant' ? String(last.content) : ''
}

const modelIn = (body: unknown) => (JSON.parse(String(body)) as { model: string }).model

async function readAll(body: ReadableStream<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of body) text += UTF8.decode(chunk, { stream: true })
  return text
}

function contentOf(stream: string): string {
  let text = ''
  for (const line of stream.split('\n')) {
    if (!line.startsWith('data: {')) continue
    const { choices } = JSON.parse(line.slice(6)) as { choices?: { delta?: { content?: string } }[] }
    text += choices?.[0]?.delta?.content ?? ''
  }
  return text
}
