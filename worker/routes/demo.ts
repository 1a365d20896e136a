/**
 * The demo provider: targets answered inside this Worker, so that a clone without a single key routes, fails over and
 * explains. It stands where a provider's server would: it gets a URL and a body and gives a response, and nothing above
 * `effects.fetch` knows that no network lay between.
 *
 * Off in production: the catalogue switches it on by `DEMO_TARGETS=on` alone.
 */

import { openaiChat } from '../dialects/openai-chat/dialect.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { JsonObject } from '../schema/chat.ts'
import { ENDPOINT_PATHS } from '../schema/endpoint.ts'
import type { Ms } from '../schema/units.ts'
import { type DemoAnswer, demoAnswer, demoUsage } from './demo-answer.ts'
import { demoEmbeddings } from './demo-embeddings.ts'

/** Latency as of a small, a large and a fast but flaky hosted model; `faults` are shares of calls. */
const MODELS: Record<
  string,
  { first_token_ms: Ms; tokens_per_second: number; faults: { unavailable: number; limited: number; cut: number } }
> = {
  small: { first_token_ms: 120, tokens_per_second: 180, faults: { unavailable: 0, limited: 0, cut: 0 } },
  large: { first_token_ms: 400, tokens_per_second: 70, faults: { unavailable: 0, limited: 0, cut: 0 } },
  unreliable: { first_token_ms: 60, tokens_per_second: 220, faults: { unavailable: 0.35, limited: 0.1, cut: 0.1 } },
}

/** KV key with the ids of demo targets that play dead, comma-separated: how a newcomer kills one and sees it avoided. */
export const DEMO_DOWN_KEY = 'demo/down'

type DemoWorld = Pick<Effects, 'nowMs' | 'draw' | 'sleep'> & { down(): Promise<string | null> }

export async function demoFetch(url: string, init: RequestInit, world: DemoWorld): Promise<Response> {
  const body = JSON.parse(String(init.body)) as JsonObject
  const signal = init.signal ?? undefined
  const name = String(body.model)
  if (url.endsWith(ENDPOINT_PATHS.embeddings)) return demoEmbeddings(body, name)
  const model = MODELS[name]
  if (!model) return refusal(404, 'model_not_found', `The demo has no model "${name}".`)
  const read = openaiChat.request.read(body)
  if (!read.ok) return refusal(400, 'invalid_request', 'The demo could not read this request.')

  const down = (await world.down())?.split(',').map(id => id.trim())
  if (down?.includes(`demo/${name}`)) return refusal(503, 'demo_down', `demo/${name} plays dead, because KV has it under ${DEMO_DOWN_KEY}.`)
  const fault = world.draw()
  const { unavailable, limited, cut } = model.faults
  await world.sleep(fault < unavailable + limited ? model.first_token_ms / 2 : model.first_token_ms, signal)
  if (fault < unavailable) return refusal(503, 'demo_unavailable', `demo/${name} fails now and then, on purpose.`)
  if (fault < unavailable + limited)
    return refusal(429, 'demo_rate_limited', `demo/${name} limits rates now and then, on purpose.`, { 'retry-after': '1' })

  const answer = demoAnswer(read.value, name)
  const usage = demoUsage(read.value, answer)
  const head = {
    id: `chatcmpl-demo-${Math.floor(world.draw() * 1e9).toString(36)}`,
    created: Math.floor(world.nowMs() / 1000),
    model: `demo/${name}`,
  }
  const counts = {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
  }
  const cut_short = fault < unavailable + limited + cut
  const per_token_ms = 1000 / model.tokens_per_second
  if (!read.value.stream) {
    await world.sleep(usage.output_tokens * per_token_ms, signal)
    if (cut_short) throw new TypeError('demo/unreliable closed the connection, on purpose.')
    return Response.json({ ...head, object: 'chat.completion', choices: [wholeChoice(answer)], usage: counts })
  }
  const events = streamEvents(answer).map(choice => ({ ...head, object: 'chat.completion.chunk', choices: [choice] }) as JsonObject)
  if (read.value.stream_usage) events.push({ ...head, object: 'chat.completion.chunk', choices: [], usage: counts })
  return new Response(paced(events, cut_short ? Math.ceil(events.length / 2) : null, per_token_ms, world, signal), {
    headers: { 'content-type': 'text/event-stream' },
  })
}

function wholeChoice(answer: DemoAnswer): JsonObject {
  if ('text' in answer)
    return { index: 0, message: { role: 'assistant', content: answer.text, refusal: null }, logprobs: null, finish_reason: 'stop' }
  const tool_calls = [{ id: 'call_demo', type: 'function', function: answer.tool }]
  return { index: 0, message: { role: 'assistant', content: null, tool_calls }, logprobs: null, finish_reason: 'tool_calls' }
}

/** The answer in the pieces a model would send: about a word each, tool arguments in fragments. */
function streamEvents(answer: DemoAnswer): JsonObject[] {
  const delta = (content: JsonObject, finish_reason: string | null = null): JsonObject => ({ index: 0, delta: content, finish_reason })
  if ('text' in answer) {
    const words = answer.text.match(/\S+\s*/g) ?? []
    return [delta({ role: 'assistant', content: '' }), ...words.map(content => delta({ content })), delta({}, 'stop')]
  }
  const { name, arguments: text } = answer.tool
  const fragments = text.match(/[\s\S]{1,12}/g) ?? []
  return [
    delta({
      role: 'assistant',
      content: null,
      tool_calls: [{ index: 0, id: 'call_demo', type: 'function', function: { name, arguments: '' } }],
    }),
    ...fragments.map(fragment => delta({ tool_calls: [{ index: 0, function: { arguments: fragment } }] })),
    delta({}, 'tool_calls'),
  ]
}

/** One event at a time at the model's pace; `cut_after` breaks the stream off there, as a lost connection does. */
function paced(
  events: JsonObject[],
  cut_after: number | null,
  wait_ms: Ms,
  world: DemoWorld,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let next = 0
  return new ReadableStream({
    async pull(controller) {
      if (next === cut_after) return controller.error(new TypeError('demo/unreliable closed the connection, on purpose.'))
      const event = events[next]
      if (next > 0) await world.sleep(wait_ms, signal)
      next += 1
      if (event) return controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`))
      controller.enqueue(encoder.encode('data: [DONE]\n\n'))
      controller.close()
    },
  })
}

function refusal(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { message, type: 'demo', param: null, code } }, { status, headers })
}
