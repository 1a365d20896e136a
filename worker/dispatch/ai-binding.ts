/**
 * Calls by the platform's own binding for models (`env.AI`; developers.cloudflare.com/workers-ai/configuration/bindings, read 2026-11).
 * It stands where a provider's server would: it gets a URL and a body in the format of Chat Completions, and gives a response in it.
 *
 * Newer models answer in that format by themselves. Older ones have a format of their own, `response` and `tool_calls`; it is told
 * apart event by event and written anew here, as it is no wire format that anybody else speaks.
 */
import { isObject } from '../dialects/check.ts'
import type { Json, JsonObject } from '../schema/chat.ts'
import { ENDPOINT_PATHS } from '../schema/endpoint.ts'
import type { Ms } from '../schema/units.ts'
import { encodeEvents, sseParser } from '../stream/sse.ts'

export type AiBinding = {
  run(model: string, inputs: JsonObject, options: { returnRawResponse: true; signal?: AbortSignal }): Promise<Response>
}
type World = { nowMs(): Ms; newId(): string }
type Head = { id: string; created: number; model: string }

export async function aiFetch(ai: AiBinding, url: string, init: RequestInit, world: World): Promise<Response> {
  const { model: named, ...inputs } = JSON.parse(String(init.body)) as JsonObject
  const model = String(named)
  const embeds = url.endsWith(ENDPOINT_PATHS.embeddings)
  const response = await ai.run(model, embeds ? { text: inputs.input ?? null } : inputs, {
    returnRawResponse: true,
    ...(init.signal && { signal: init.signal }),
  })
  if (!response.ok) return refused(response)
  const head = { id: `chatcmpl-${world.newId()}`, created: Math.floor(world.nowMs() / 1_000), model }
  if ((response.headers.get('content-type') ?? '').includes('event-stream')) return streamed(response, head, usageAsked(inputs))
  const body = (await response.json()) as Json
  if (!isObject(body)) return Response.json(body)
  if (embeds) return Response.json(vectors(body, model, inputs.encoding_format))
  return Response.json(body.choices === undefined && body.response !== undefined ? whole(body, head, inputs) : body)
}

const usageAsked = ({ stream_options }: JsonObject) => isObject(stream_options) && stream_options.include_usage === true

/** Its errors say what is wrong under `description`. */
async function refused(response: Response): Promise<Response> {
  const text = await response.text()
  try {
    const said = JSON.parse(text) as Json
    if (isObject(said) && typeof said.description === 'string' && said.error === undefined) {
      const error = { message: said.description, code: said.internalCode ?? null, type: said.name ?? null }
      return Response.json({ error }, { status: response.status, headers: retryIn(response) })
    }
  } catch {
    // Not JSON: it goes on as it came.
  }
  return new Response(text, { status: response.status, headers: retryIn(response) })
}

function retryIn(response: Response): Record<string, string> {
  const wait = response.headers.get('retry-after')
  return wait === null ? {} : { 'retry-after': wait }
}

/** JSON that was asked for comes as an object. */
const textOf = (response: Json | undefined): string =>
  typeof response === 'string' ? response : response == null ? '' : JSON.stringify(response)

/** Calls come as `{ name, arguments }` or as everybody has them; arguments as an object or as text. `from`: how many came before. */
function callsIn(raw: Json | undefined, id: string, from = 0): JsonObject[] {
  if (!Array.isArray(raw)) return []
  return raw.filter(isObject).map((call, i) => {
    const called = isObject(call.function) ? call.function : call
    const given = called.arguments ?? {}
    return {
      id: typeof call.id === 'string' && call.id !== '' ? call.id : `call_${id.slice(9)}_${from + i}`,
      type: 'function',
      function: { name: called.name ?? '', arguments: typeof given === 'string' ? given : JSON.stringify(given) },
    }
  })
}

/** Nothing says that an answer was cut at its limit, but that it is as long as it may be. */
function finishOf(calls: number, usage: Json | undefined, limit: Json | undefined): string {
  if (calls > 0) return 'tool_calls'
  const written = isObject(usage) ? usage.completion_tokens : undefined
  return typeof limit === 'number' && typeof written === 'number' && written >= limit ? 'length' : 'stop'
}

function whole(body: JsonObject, head: Head, inputs: JsonObject): JsonObject {
  const calls = callsIn(body.tool_calls, head.id)
  const content = textOf(body.response)
  const message: JsonObject = { role: 'assistant', content: content === '' && calls.length > 0 ? null : content }
  if (calls.length > 0) message.tool_calls = calls
  const finish_reason = finishOf(calls.length, body.usage, inputs.max_tokens)
  const usage = isObject(body.usage) ? { usage: body.usage } : undefined
  return { ...head, object: 'chat.completion', choices: [{ index: 0, message, logprobs: null, finish_reason }], ...usage }
}

/** Vectors as OpenAI's format has them; in base64 where a client asks for that, as OpenAI's own does. */
function vectors(body: JsonObject, model: string, encoding: Json | undefined): JsonObject {
  const list = Array.isArray(body.data) ? body.data : []
  const data = list.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: encoding === 'base64' && Array.isArray(vector) ? base64(vector as number[]) : vector,
  }))
  return { object: 'list', data, model, ...(isObject(body.usage) && { usage: body.usage }) }
}

const base64 = (numbers: number[]): string => btoa(String.fromCharCode(...new Uint8Array(new Float32Array(numbers).buffer)))

function streamed(response: Response, head: Head, tells_usage: boolean): Response {
  const chunk = (delta: JsonObject, finish_reason: string | null): JsonObject => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  })
  let older = false
  let begun = false
  let calls = 0
  let usage: JsonObject | null = null

  /** What these data become; `[DONE]` and events in the newer format stay what they are. */
  function written(data: string): (JsonObject | string)[] {
    if (data.startsWith('[DONE]')) {
      if (!older) return [data]
      const counts = tells_usage && usage ? [{ ...head, object: 'chat.completion.chunk', choices: [], usage }] : []
      return [chunk({}, calls > 0 ? 'tool_calls' : 'stop'), ...counts, data]
    }
    const event = objectIn(data)
    if (event === null || event.choices !== undefined || (event.response === undefined && event.tool_calls === undefined)) return [data]
    older = true
    if (isObject(event.usage)) usage = event.usage
    const delta: JsonObject = begun ? {} : { role: 'assistant' }
    const text = textOf(event.response)
    if (text !== '') delta.content = text
    const called = callsIn(event.tool_calls, head.id, calls)
    if (called.length > 0) delta.tool_calls = called.map((call, i) => ({ index: calls + i, ...call }))
    calls += called.length
    if (Object.keys(delta).length === 0) return []
    begun = true
    return [chunk(delta, null)]
  }

  let send: (bytes: Uint8Array) => void = () => {}
  const parser = sseParser(({ event, data }) => {
    send(encodeEvents(written(data).map(each => ({ event, data: typeof each === 'string' ? each : JSON.stringify(each) }))))
  })
  const through = new TransformStream<Uint8Array, Uint8Array>({
    start: controller => {
      send = bytes => bytes.length > 0 && controller.enqueue(bytes)
    },
    transform: bytes => parser.push(bytes),
    flush: () => parser.end(),
  })
  return new Response(response.body?.pipeThrough(through) ?? null, { headers: { 'content-type': 'text/event-stream' } })
}

function objectIn(data: string): JsonObject | null {
  try {
    const value = JSON.parse(data) as Json
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
