/**
 * A world for dispatch: targets that do as they are told, in virtual time. It is as strict as the real one: a request that
 * follows redirects, carries a foreign header or has no way to be cancelled fails the test, an aborted call rejects as `fetch`
 * does, and a body that was neither read nor let go is counted.
 */
import '../stream/stand-in.ts'
import type { Parameters } from '../../worker/core/decide/parameters.ts'
import type { LiveTarget } from '../../worker/core/decide/world.ts'
import { parseJsonText } from '../../worker/core/json-text.ts'
import type { Dialect } from '../../worker/dialects/dialect.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { hedgeAllowance, retryAllowance } from '../../worker/dispatch/allowance.ts'
import type { Call, Carrier } from '../../worker/dispatch/call.ts'
import type { Target } from '../../worker/schema/catalogue.ts'
import type { DialectName, Json } from '../../worker/schema/chat.ts'
import type { DecisionRecord, Plan } from '../../worker/schema/decision.ts'
import type { Outcome } from '../../worker/schema/health.ts'
import { type VirtualClock, virtualClock } from './clock.ts'

/** What a target does with a body: bytes, a wait, and at last an end of some kind. A list without an end closes well. */
export type Step = string | Uint8Array | { wait_ms: number } | 'CUT' | 'HANG'
export type Script =
  | { status?: number; headers?: Record<string, string>; after_ms?: number; body?: Step[] }
  | { refused: true }
  /** Takes the request and never says a word. */
  | { silent: true }

export type Received = {
  target: string
  url: string
  at_ms: number
  headers: Record<string, string>
  text: string
  body: { [key: string]: Json }
  /** The router closed it before its end. */
  aborted: boolean
  closed: boolean
}

/** The same format under another name: what passes between them is translated. */
export const otherChat: Dialect = { ...openaiChat, name: 'anthropic-messages' }

export type TestWorld = {
  clock: VirtualClock
  carrier: Carrier
  received: Received[]
  reports: Outcome[]
  background: Promise<unknown>[]
  /** Calls whose body was neither read to its end nor let go. */
  open(): Received[]
  targets: Map<string, LiveTarget>
}

const ALLOWED = new Set([
  'content-type',
  'accept',
  'authorization',
  'user-agent',
  'x-provider-header',
  'x-api-key',
  'openai-beta',
  'x-goog-api-key',
  'x-amz-date',
  'x-amz-security-token',
])
const encoder = new TextEncoder()

export function world(
  scripts: Record<string, Script[]>,
  options: {
    draw?: number
    dialects?: Record<string, DialectName>
    context?: Record<string, number>
    parameters?: Record<string, Parameters>
    /** Who goes on from a trailing assistant message; the others have not said. */
    prefill?: Record<string, boolean>
    /** The real formats instead of one under two names. */
    codecs?: (name: DialectName) => Dialect | undefined
  } = {},
): TestWorld {
  const clock = virtualClock()
  const received: Received[] = []
  const reports: Outcome[] = []
  const background: Promise<unknown>[] = []
  const targets = new Map(
    Object.keys(scripts).map(
      id =>
        [
          id,
          targetOf(
            id,
            options.dialects?.[id] ?? 'openai-chat',
            options.context?.[id] ?? 100_000,
            options.parameters?.[id] ?? null,
            options.prefill?.[id] ?? null,
          ),
        ] as const,
    ),
  )
  const remaining = new Map(Object.entries(scripts).map(([id, list]) => [id, [...list]]))

  const carrier: Carrier = {
    effects: {
      nowMs: clock.nowMs,
      sleep: clock.sleep,
      after: clock.after,
      draw: () => options.draw ?? 0.5,
      newDecisionId: () => 'dec_test',
      fetch: async (transport, url, init) => {
        const id = url.replace('https://provider.test/', '').split('/')[0] as string
        if (transport !== 'network') throw new Error(`transport ${transport}`)
        if (init.method !== 'POST' || init.redirect !== 'manual') throw new Error('a call must be a POST that follows no redirect')
        if (!(init.signal instanceof AbortSignal)) throw new Error('a call must be cancellable')
        const headers = init.headers as Record<string, string>
        for (const name of Object.keys(headers)) if (!ALLOWED.has(name)) throw new Error(`header ${name} must not be sent`)
        const text = String(init.body)
        const call: Received = {
          target: id,
          url,
          at_ms: clock.nowMs(),
          headers,
          text,
          body: JSON.parse(text),
          aborted: false,
          closed: false,
        }
        received.push(call)
        const script = remaining.get(id)?.shift()
        if (script === undefined) throw new Error(`${id} was called more often than the test says`)
        return answer(script, call, init.signal, clock)
      },
    },
    target: id => targets.get(id),
    dialect: options.codecs ?? (name => ({ 'openai-chat': openaiChat, 'anthropic-messages': otherChat })[name as string]),
    credential: () => ({ header: 'authorization', value: 'Bearer provider-key' }),
    // Real signing takes real time, which stands still here.
    sign: async (url, body, key, now_ms) => ({
      'x-amz-date': `${now_ms}`,
      authorization: `signed ${url} ${body.length} ${'region' in key ? `${key.access_key_id} ${key.region}` : key.email}`,
    }),
    report: outcome => reports.push(outcome),
    retries: retryAllowance(),
    hedges: hedgeAllowance(),
    waitUntil: promise => background.push(promise),
  }
  return { clock, carrier, received, reports, background, targets, open: () => received.filter(call => !call.closed && !call.aborted) }
}

async function answer(script: Script, call: Received, signal: AbortSignal, clock: VirtualClock): Promise<Response> {
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => {
      if (!call.closed) call.aborted = true
      reject(new DOMException('The operation was aborted', 'AbortError'))
    }
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
  })
  aborted.catch(() => {})
  if ('refused' in script) {
    call.closed = true
    throw new TypeError('connect ECONNREFUSED 10.0.0.7:443 for key sk-secretsecretsecret1')
  }
  if ('silent' in script) return aborted
  if (script.after_ms) await Promise.race([clock.sleep(script.after_ms), aborted])
  const { status = 200, headers = { 'content-type': 'application/json' }, body = [] } = script
  const null_body = status === 204 || status === 205 || status === 304
  if (null_body) call.closed = true
  return new Response(null_body ? null : bodyOf(body, call, signal, clock), { status, headers })
}

function bodyOf(steps: Step[], call: Received, signal: AbortSignal, clock: VirtualClock): ReadableStream<Uint8Array> {
  let at = 0
  const ended = new AbortController()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener('abort', () => {
          ended.abort()
          if (!call.closed) controller.error(new DOMException('The operation was aborted', 'AbortError'))
        })
      },
      async pull(controller) {
        for (;;) {
          const step = at < steps.length ? steps[at++] : 'END'
          if (typeof step === 'object' && 'wait_ms' in step) {
            await clock.sleep(step.wait_ms, ended.signal).catch(() => {})
            if (ended.signal.aborted) return
            continue
          }
          if (step === 'END') {
            call.closed = true
            controller.close()
          } else if (step === 'CUT') {
            call.closed = true
            controller.error(new TypeError('Network connection lost.'))
          } else if (step === 'HANG') await new Promise(() => {})
          else controller.enqueue(typeof step === 'string' ? encoder.encode(step) : (step as Uint8Array))
          return
        }
      },
      cancel() {
        call.aborted = true
        ended.abort()
      },
    },
    { highWaterMark: 0 },
  )
}

function targetOf(
  id: string,
  dialect: DialectName,
  context_tokens: number,
  parameters: Parameters | null,
  prefill: boolean | null,
): LiveTarget {
  const provider = { id: 'provider', name: 'Provider', dialect, transport: 'network', headers: { 'x-provider-header': 'yes' } }
  const target = {
    id,
    provider: 'provider',
    model: `${id}-model`,
    capability: { context_tokens, output_tokens: 4_096, prefill } as Target['capability'],
  }
  const url = `https://provider.test/${id}/chat/completions`
  return { id, target, provider, chat_url: url, stream_url: url, parameters } as unknown as LiveTarget
}

export type CallOptions = {
  text?: string
  plan?: Partial<Plan>
  limits?: { headers_ms?: number; first_token_ms?: number; idle_ms?: number }
  dialect?: Dialect
  stream_usage?: 'as_asked' | 'always'
  gone?: AbortSignal
  betas?: Record<string, string>
}

export const LIMITS = { headers_ms: 3_000, first_token_ms: 1_000, idle_ms: 800 }

/** A call with a plan over all targets of the world, in their order. */
export function callFor({ clock, targets }: TestWorld, stream: boolean, options: CallOptions = {}): Call {
  const dialect = options.dialect ?? openaiChat
  const text = options.text ?? `{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":${stream},"tomorrow":{"x":1.50}}`
  const json = parseJsonText(encoder.encode(text))
  if (!json.ok) throw new Error('the test sends no JSON')
  const request = dialect.request.read(json.value.value)
  if (!request.ok) throw new Error('the test sends no request')
  const limits = { ...LIMITS, ...(stream ? {} : { first_token_ms: 3_000 }), ...options.limits }
  const plan: Plan = {
    steps: [...targets.keys()].map(target => ({ target, ...limits })),
    total_ms: 20_000,
    attempts: 3,
    attempts_per_target: 2,
    retry_after_at_most_ms: 3_000,
    retry_share: 0.1,
    shadows: [],
    panic: false,
    ...options.plan,
  }
  const record = {
    decision_id: 'dec_test',
    org: 'acme',
    features: { prompt_tokens: 11, size: 's', task: 'conversation' },
    plan,
    limits: { retry_after_assumed_ms: 5_000 },
  } as unknown as DecisionRecord
  return {
    dialect,
    request: { ...request.value, dialect: dialect.name, ...(options.betas && { betas: options.betas }) },
    json: json.value,
    record,
    losses: () => [],
    stream_usage: options.stream_usage ?? 'as_asked',
    started_at_ms: clock.nowMs(),
    gone: options.gone ?? new AbortController().signal,
  }
}

const SSE = { 'content-type': 'text/event-stream' }
const chunk = (rest: string) => `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m",${rest}}\n\n`

/** Pieces of a Chat Completions stream. */
export const ROLE = chunk('"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]')
export const token = (text: string) => chunk(`"choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]`)
export const FINISH = chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]')
export const USAGE = chunk('"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}')
export const DONE = 'data: [DONE]\n\n'

export const streams = (...body: Step[]): Script => ({ headers: SSE, body })
export const replies = (body: string, status = 200, headers: Record<string, string> = {}): Script => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: [body],
})
export const completion = (text: string) =>
  `{ "id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(text)}},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}, "unknown":[1.0] }`
export const refusal = (message: string, code: string | null = null) => JSON.stringify({ error: { message, code, type: 'error' } })
