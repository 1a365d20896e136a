/**
 * The sixteen situations of a public crash test for gateways, rebuilt from its description: a primary that fails in one way and a
 * fallback that works, both OpenAI-compatible and known by nothing but an address. Each is passed or not, by what the caller
 * got and by what the two upstreams were sent and when; nothing in between.
 */
import { expect } from 'vitest'
import { refusal, type Timing } from './rows.ts'
import {
  type Attempt,
  type Behaviour,
  chunk,
  completion,
  DONE,
  events,
  type FaultUpstream,
  FINISH,
  type Piece,
  ROLE,
  reset,
  silence,
  status,
  token,
  USAGE,
} from './upstream.ts'

export type Heard = {
  status: number
  content: string
  text: string
  model: string
  usage: { completion_tokens: number } | null
  took_ms: number
}
export type Situation = {
  id: string
  title: string
  /** What a pass needs. */
  needs: string
  primary: Behaviour[]
  fallback: 'takes a beginning' | 'refuses a beginning'
  /** Asked for as a stream, as a whole, or both. */
  forms: ('stream' | 'whole')[]
  check(heard: Heard, primary: Attempt[], fallback: Attempt[], timing: Timing): void
}

const WORDS = Array.from({ length: 60 }, (_, i) => `w${i} `)
export const ANSWER = WORDS.join('')
const stream = (...pieces: Piece[]) => events(ROLE, ...pieces)
const words = (from = 0, to = WORDS.length) => WORDS.slice(from, to).map(token)
const FALLBACK_USAGE = { prompt_tokens: 21, completion_tokens: 60, total_tokens: 81 }
const usageOf = (usage: object) => chunk({ choices: [], usage })

/** A whole answer in the form that was asked for, as a model that says its own name and counts. */
const well =
  (from = 0): Behaviour =>
  exchange => {
    const { stream: streamed, model } = JSON.parse(exchange.attempt.body) as { stream?: boolean; model: string }
    const named = (text: string) => text.replaceAll('"model":"m"', `"model":"${model}"`)
    if (streamed) return events(...[ROLE, ...words(from), FINISH, usageOf(FALLBACK_USAGE), DONE].map(named))(exchange)
    const whole = JSON.parse(named(completion(WORDS.slice(from).join('')))) as object
    return status(200, JSON.stringify({ ...whole, usage: FALLBACK_USAGE }))(exchange)
  }

/** The fallback: goes on behind a beginning that is its own answer's, or will have none of it. */
export const fallback =
  (takes: Situation['fallback']): Behaviour =>
  exchange => {
    const { messages } = JSON.parse(exchange.attempt.body) as { messages: { role: string; content: string }[] }
    const last = messages.at(-1)
    if (last?.role !== 'assistant') return well()(exchange)
    const at = WORDS.findIndex((_, i) => WORDS.slice(0, i).join('').trimEnd() === last.content.trimEnd())
    if (takes === 'takes a beginning' && at > 0) return well(at)(exchange)
    const message = 'This model does not support assistant message prefill. The conversation must end with a user message.'
    return status(400, refusal(message, 'invalid_request'))(exchange)
  }

const complete = ({ status: code, content, text }: Heard) => {
  expect(code).toBe(200)
  expect(content).toBe(ANSWER)
  expect(text).not.toContain('"error"')
}
const BOTH: Situation['forms'] = ['stream', 'whole']
const busy = status(429, '{"error":{"message":"Rate limit reached","type":"rate_limit_error"}}')

export const SITUATIONS: Situation[] = [
  {
    id: 'S01',
    title: '429 with Retry-After: 2',
    needs: 'waited out on the same target: at least 1.8 s between its two calls',
    primary: [status(429, '{"error":{"message":"Rate limit reached"}}', { 'retry-after': '2' }), well()],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: (heard, primary) => {
      complete(heard)
      expect(primary).toHaveLength(2)
      expect((primary[1]?.at_ms ?? 0) - (primary[0]?.at_ms ?? 0)).toBeGreaterThanOrEqual(1_800)
    },
  },
  {
    id: 'S02',
    title: '429 without a time, for good',
    needs: 'a complete answer; the primary is not hammered',
    primary: [busy],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: (heard, primary) => {
      complete(heard)
      expect(primary.length).toBeLessThanOrEqual(2)
    },
  },
  {
    id: 'S03',
    title: '500, once',
    needs: 'one retry on the same target',
    primary: [status(500, '{"error":{"message":"Internal error"}}'), well()],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: (heard, primary, second) => {
      complete(heard)
      expect([primary.length, second.length]).toEqual([2, 0])
    },
  },
  {
    id: 'S04',
    title: '503, for good',
    needs: 'a complete answer from the fallback; at most two calls to the primary',
    primary: [status(503, '{"error":{"message":"Service unavailable"}}')],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: (heard, primary) => {
      complete(heard)
      expect(primary.length).toBeLessThanOrEqual(2)
    },
  },
  {
    id: 'S05',
    title: 'the connection is reset before headers',
    needs: 'a complete answer',
    primary: [reset],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: complete,
  },
  {
    id: 'S06',
    title: 'silence',
    needs: 'a complete answer within 100 s, with one call to the primary',
    primary: [silence],
    fallback: 'takes a beginning',
    forms: ['stream'],
    check: (heard, primary) => {
      complete(heard)
      expect(primary).toHaveLength(1)
      expect(heard.took_ms).toBeLessThan(100_000)
    },
  },
  {
    id: 'S07',
    title: '20 s to the first token',
    needs: 'a complete answer in less than 15 s',
    primary: [events(ROLE, { wait_ms: 20_000 }, ...words(), FINISH, DONE)],
    fallback: 'takes a beginning',
    forms: ['stream'],
    check: heard => {
      complete(heard)
      expect(heard.took_ms).toBeLessThan(15_000)
    },
  },
  {
    id: 'S08',
    title: 'the stream is cut after 40 tokens',
    needs: 'a complete answer, each token once',
    primary: [stream(...words(0, 40), { wait_ms: 50 }, 'RESET')],
    fallback: 'takes a beginning',
    forms: ['stream'],
    check: complete,
  },
  {
    id: 'S09',
    title: 'the stream stalls for 30 s',
    needs: 'a complete answer in less than 45 s',
    primary: [stream(...words(0, 20), { wait_ms: 30_000 }, ...words(20), FINISH, DONE)],
    fallback: 'takes a beginning',
    forms: ['stream'],
    check: heard => {
      complete(heard)
      expect(heard.took_ms).toBeLessThan(45_000)
    },
  },
  {
    id: 'S10',
    title: 'one chunk is malformed',
    needs: 'left out in place: a complete answer with one call',
    primary: [stream(...words(0, 30), 'data: {"choices":[{"delta":{"content":\n\n', ...words(30), FINISH, USAGE, DONE)],
    fallback: 'takes a beginning',
    forms: ['stream'],
    check: (heard, primary, second) => {
      complete(heard)
      expect([primary.length, second.length]).toEqual([1, 0])
    },
  },
  {
    id: 'S11',
    title: 'no [DONE], and the connection stays open',
    needs: 'a complete answer with its usage in less than 8 s',
    primary: [stream(...words(), FINISH, USAGE, 'FOREVER')],
    fallback: 'takes a beginning',
    forms: ['stream'],
    check: (heard, primary, second) => {
      complete(heard)
      expect(heard.took_ms).toBeLessThan(8_000)
      expect(heard.usage).toMatchObject({ completion_tokens: 4 })
      expect([primary.length, second.length]).toEqual([1, 0])
    },
  },
  {
    id: 'S12',
    title: '400, the prompt is longer than the context',
    needs: 'one call to the primary, then the model that holds more',
    primary: [status(400, refusal("This model's maximum context length is 8192 tokens.", 'context_length_exceeded'))],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: (heard, primary, second) => {
      complete(heard)
      expect([primary.length, second.length]).toEqual([1, 1])
    },
  },
  {
    id: 'S13',
    title: '400, the content filter',
    needs: 'no failover: the refusal reaches the caller with its reason',
    primary: [status(400, refusal('The response was filtered due to the content management policy.', 'content_filter'))],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: ({ status: code, text }, primary, second) => {
      expect(code).toBe(400)
      expect(JSON.parse(text).error).toMatchObject({
        code: 'content_filter',
        message: expect.stringContaining('content management policy'),
      })
      expect([primary.length, second.length]).toEqual([1, 0])
    },
  },
  {
    id: 'S14',
    title: 'the stream is cut, and the fallback refuses a beginning',
    needs: 'a complete answer, each token once, and no word of the refusal',
    primary: [stream(...words(0, 40), { wait_ms: 50 }, 'CLOSE')],
    fallback: 'refuses a beginning',
    forms: ['stream'],
    check: heard => {
      complete(heard)
      expect(heard.text).not.toMatch(/does not support|user message/)
    },
  },
  {
    id: 'S16',
    title: 'who answered after a failover, and what it used',
    needs: "the fallback's model and its counts",
    primary: [status(503, '{"error":{"message":"Service unavailable"}}')],
    fallback: 'takes a beginning',
    forms: BOTH,
    check: heard => {
      complete(heard)
      expect(heard.model).toBe('fb-ok')
      expect(heard.usage).toMatchObject(FALLBACK_USAGE)
    },
  },
]

/** The fifteenth goes over many requests: the primary fails until it is left alone, then is well again. */
export async function flapping(
  ask: () => Promise<Heard>,
  primary: FaultUpstream,
  model: string,
  pause: (ms: number) => Promise<void>,
): Promise<{ back_after_ms: number; requests: number }> {
  primary.does(model, status(503, '{"error":{"message":"Service unavailable"}}'))
  for (let i = 0; i < 8; i++) complete(await ask())
  const failed = primary.of(model).length
  primary.does(model, well())
  const healed_at_ms = performance.now()
  for (let requests = 1; ; requests++) {
    complete(await ask())
    const back_after_ms = Math.round(performance.now() - healed_at_ms)
    if (primary.of(model).length > failed) return { back_after_ms, requests }
    if (back_after_ms > 60_000) throw new Error('never back')
    await pause(250)
  }
}
