/**
 * The fault catalogue as a table: what the first target does, and what has to come of it. A row needs only the router's
 * address and a key; its models are called after it (`vllm/f05`, `llamacpp/f05`), so that no row's evidence touches another's.
 */
import { expect } from 'vitest'
import {
  type Attempt,
  answers,
  type Behaviour,
  CALL,
  completion,
  cutShort,
  DONE,
  events,
  FINISH,
  good,
  pings,
  ROLE,
  reset,
  silence,
  status,
  token,
  tokens,
  USAGE,
} from './upstream.ts'

/** Deadlines of the policy under test. The short form proves the same in a minute; the full one is what operators get. */
export type Timing = { first_token_ms: number; idle_ms: number; total_ms: number }
export const TIMING: Timing =
  process.env.FAULTS === 'full'
    ? { first_token_ms: 12_000, idle_ms: 15_000, total_ms: 60_000 }
    : { first_token_ms: 700, idle_ms: 700, total_ms: 20_000 }

export type Seen = {
  status: number
  headers: Headers
  /** Who answered: as the headers say, or, where the stream was opened before that was known, its comments. */
  target: string
  text: string
  /** The `data` of every event of a stream. */
  events: string[]
  content: string
  took_ms: number
  first: Attempt[]
  second: Attempt[]
}

export type Row = {
  id: string
  fault: string
  expected: string
  first: Behaviour[]
  second?: Behaviour[]
  stream: boolean
  /** Where the first target lives; `vllm` unless the fault is in reaching it. */
  provider?: 'vllm' | 'ollama' | 'lmstudio'
  /** Limits of a policy of its own, by whose name the request is made then. */
  limits?: Record<string, number>
  /** How often the request is made; the last answer is looked at. */
  times?: number
  check(seen: Seen): void
}

/** Slack for a busy machine. */
export const SLACK_MS = 4_000
export const errorOf = (seen: Seen) => JSON.parse(seen.text).error as { code: string; message: string; type: string }

export const fromSecond = (seen: Seen) => {
  expect(seen.status).toBe(200)
  expect(seen.content).toBe('second')
  expect(seen.target).toMatch(/^llamacpp\//)
  expect(seen.second).toHaveLength(1)
}
export const fromFirst = (seen: Seen) => {
  expect(seen.status).toBe(200)
  expect(seen.target).not.toMatch(/^llamacpp\//)
  expect(seen.second).toHaveLength(0)
}
export const whole = (seen: Seen, content: string) => {
  fromFirst(seen)
  expect(seen.content).toBe(content)
  expect(seen.text).not.toContain('"error"')
}
/** After the commit point: what came is kept, then an error the client understands, then the terminator; of what another target said otherwise, nothing. */
export const brokenOff = (seen: Seen, content: string, code = 'upstream_truncated') => {
  expect(seen.target).not.toMatch(/^llamacpp\//)
  expect(seen.content).toBe(content)
  expect(JSON.parse(seen.events.at(-2) ?? '{}')).toMatchObject({ error: { code } })
  expect(seen.events.at(-1)).toBe('[DONE]')
  expect(seen.text).not.toContain('"finish_reason":"stop"')
}
/** After the commit point, by the second target: one text, one terminator, and a note that it happened. */
export const rescued = (seen: Seen, content: string) => {
  expect(seen.target).not.toMatch(/^llamacpp\//)
  expect(seen.content).toBe(content)
  expect(seen.text).not.toContain('"error"')
  expect(seen.text).toContain('"signalbox":{"rescued":{"by":"restart"')
  expect(seen.events.filter(data => data === '[DONE]')).toHaveLength(1)
  expect([seen.first.length, seen.second.length]).toEqual([1, 1])
}
export const said = (count: number) => Array.from({ length: count }, (_, i) => `t${i} `).join('')
export const within = (seen: Seen, least_ms: number, most_ms: number) => {
  expect(seen.took_ms).toBeGreaterThanOrEqual(least_ms)
  expect(seen.took_ms).toBeLessThan(most_ms + SLACK_MS)
}
export const HTML = '<html><body><h1>502 Bad Gateway</h1>nginx at 10.0.0.7</body></html>'
export const page = (code: number) => status(code, HTML, { 'content-type': 'text/html' })
export const refusal = (message: string, code: string) =>
  JSON.stringify({ error: { message, type: 'invalid_request_error', param: 'messages', code } })

export const ROWS: Row[] = [
  {
    id: 'f01',
    fault: 'the name of the host does not resolve',
    expected: 'the next target answers',
    provider: 'ollama',
    first: [],
    stream: true,
    check: fromSecond,
  },
  {
    id: 'f02',
    fault: 'the connection is refused',
    expected: 'the next target answers',
    provider: 'lmstudio',
    first: [],
    stream: true,
    check: fromSecond,
  },
  {
    id: 'f03',
    fault: 'the connection is reset before headers, once',
    expected: 'a complete answer, from the next target',
    first: [reset, answers('first')],
    stream: false,
    check: fromSecond,
  },
  {
    id: 'f05',
    fault: 'accepts the request and never answers',
    expected: 'one call to it, given up at the limit for a first token; the next target answers',
    first: [silence],
    stream: true,
    check: seen => {
      fromSecond(seen)
      expect(seen.first).toHaveLength(1)
      expect(seen.first[0]?.hung_up_after_ms).not.toBeNull()
      within(seen, TIMING.first_token_ms, TIMING.first_token_ms)
    },
  },
  {
    id: 'f06',
    fault: 'headers, then no token',
    expected: 'given up at the limit for a first token; the next target answers',
    first: [events(ROLE, 'FOREVER')],
    stream: true,
    check: seen => {
      fromSecond(seen)
      expect(seen.first[0]?.hung_up_after_ms).not.toBeNull()
      within(seen, TIMING.first_token_ms, TIMING.first_token_ms)
    },
  },
  {
    id: 'f07',
    fault: 'pings for ever',
    expected: 'pings are no tokens: as above',
    first: [pings(100)],
    stream: true,
    check: seen => {
      fromSecond(seen)
      expect(seen.first[0]?.hung_up_after_ms).not.toBeNull()
      within(seen, TIMING.first_token_ms, TIMING.first_token_ms)
    },
  },
  {
    id: 'f08',
    fault: '500, once',
    expected: 'one retry on the same target after 100 to 500 ms',
    first: [status(500, '{"error":{"message":"oops"}}'), answers('first')],
    stream: false,
    check: seen => {
      whole(seen, 'first')
      const [one, two] = seen.first
      expect((two?.at_ms ?? 0) - (one?.at_ms ?? 0)).toBeGreaterThanOrEqual(95)
    },
  },
  {
    id: 'f09',
    fault: '503, persistent',
    expected: 'every request answered by the next target',
    first: [status(503, '{"error":{"message":"busy"}}')],
    stream: false,
    times: 4,
    check: seen => {
      expect(seen.content).toBe('second')
      expect(seen.first.length).toBeLessThanOrEqual(4)
    },
  },
  {
    id: 'f10',
    fault: '529 overloaded',
    expected: 'as 503, no second call to it',
    first: [status(529, '{"error":{"message":"Overloaded","type":"overloaded_error"}}')],
    stream: true,
    check: seen => {
      fromSecond(seen)
      expect(seen.first).toHaveLength(1)
    },
  },
  ...[502, 504, 520, 527].map(
    (code): Row => ({
      id: `f11-${code}`,
      fault: `${code} with an HTML page, from both targets`,
      expected: 'one clean error; the page is not forwarded',
      first: [page(code)],
      second: [page(code)],
      stream: false,
      check: seen => {
        expect(seen.status).toBe(503)
        expect(errorOf(seen)).toMatchObject({ code: 'upstream_unavailable', type: 'server_error' })
        expect(seen.text).not.toMatch(/<|nginx|10\.0\.0\.7/)
        expect(seen.first).toHaveLength(1)
        expect(seen.second).toHaveLength(1)
      },
    }),
  ),
  {
    id: 'f12',
    fault: '429 with Retry-After: 2',
    expected: 'waits at least 1.8 s, then the same target answers',
    first: [status(429, '{"error":{"message":"slow down"}}', { 'retry-after': '2' }), answers('first')],
    stream: false,
    check: seen => {
      whole(seen, 'first')
      expect((seen.first[1]?.at_ms ?? 0) - (seen.first[0]?.at_ms ?? 0)).toBeGreaterThanOrEqual(1_800)
    },
  },
  {
    id: 'f22',
    fault: '400 context_length_exceeded, and no target holds more',
    expected: 'one call; status and code kept',
    first: [status(400, refusal("This model's maximum context length is 8192 tokens.", 'context_length_exceeded'))],
    stream: false,
    check: seen => {
      expect(seen.status).toBe(400)
      expect(errorOf(seen)).toMatchObject({ code: 'context_length_exceeded', param: 'messages' })
      expect([seen.first.length, seen.second.length]).toEqual([1, 0])
    },
  },
  {
    id: 'f23',
    fault: '400 content policy',
    expected: 'one call; the reason is passed on; no failover',
    first: [status(400, refusal('Your request was flagged by our content policy.', 'content_policy_violation'))],
    stream: true,
    check: seen => {
      expect(seen.status).toBe(400)
      expect(errorOf(seen)).toMatchObject({ code: 'content_policy_violation' })
      expect(errorOf(seen).message).toContain('content policy')
      expect([seen.first.length, seen.second.length]).toEqual([1, 0])
    },
  },
  {
    id: 'f26',
    fault: 'a redirect to another host',
    expected: 'not followed; the next target answers',
    first: [status(307, '', { location: 'http://127.0.0.1:9/elsewhere' })],
    stream: false,
    check: seen => {
      fromSecond(seen)
      expect(seen.first).toHaveLength(1)
    },
  },
  {
    id: 'f28',
    fault: '200 with an HTML page',
    expected: 'garbage; the next target answers',
    first: [page(200)],
    stream: true,
    check: seen => {
      fromSecond(seen)
      expect(seen.text).not.toContain('nginx')
    },
  },
  {
    id: 'f29',
    fault: 'JSON for a stream',
    expected: 'told as a stream',
    first: [status(200, completion('first'))],
    stream: true,
    check: seen => {
      whole(seen, 'first')
      expect(seen.headers.get('content-type')).toContain('text/event-stream')
      expect(seen.text).toContain('"finish_reason":"stop"')
      expect(seen.events.at(-1)).toBe('[DONE]')
    },
  },
  {
    id: 'f30',
    fault: 'a stream for JSON',
    expected: 'gathered into JSON',
    first: [events(...good(3))],
    stream: false,
    check: seen => {
      whole(seen, said(3))
      expect(JSON.parse(seen.text)).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] })
    },
  },
  {
    id: 'f31',
    fault: 'an error inside a 200',
    expected: 'taken for its embedded status; the next target answers',
    first: [status(200, '{"error":{"message":"The server is overloaded","code":503}}')],
    stream: false,
    check: fromSecond,
  },
  {
    id: 'f31-stream',
    fault: 'an error as the first event of a stream',
    expected: 'the next target answers',
    first: [events('data: {"error":{"message":"The server is overloaded","code":503}}\n\n', DONE)],
    stream: true,
    check: fromSecond,
  },
  {
    id: 'f32',
    fault: '200 with an empty body',
    expected: 'garbage; the next target answers',
    first: [status(200, '')],
    stream: false,
    check: fromSecond,
  },
  ...[1, 40, 99].map(
    (count): Row => ({
      id: `f42-${count}`,
      fault: `the connection is closed after ${count} of 100 tokens, inside a chunk`,
      expected: 'what came, then an error in band and the terminator; never a success',
      first: [events(ROLE, ...tokens(count), { wait_ms: 50 }, 'CLOSE')],
      stream: true,
      check: seen => brokenOff(seen, said(count)),
    }),
  ),
  ...[1, 40, 99].map(
    (count): Row => ({
      id: `f42-${count}-same`,
      fault: `the same, and the next target answers the same`,
      expected: 'taken up where it broke: a complete answer, each token once',
      first: [events(ROLE, ...tokens(count), { wait_ms: 50 }, 'CLOSE')],
      second: [events(...good(100))],
      stream: true,
      check: seen => rescued(seen, said(100)),
    }),
  ),
  {
    id: 'f42-json',
    fault: 'the body of a whole answer is cut in the middle',
    expected: 'nothing had left: the next target answers',
    first: [cutShort(completion('first'))],
    stream: false,
    check: fromSecond,
  },
  {
    id: 'f43',
    fault: 'the connection is reset in the middle of a stream',
    expected: 'as above',
    first: [events(ROLE, ...tokens(5), { wait_ms: 100 }, 'RESET')],
    stream: true,
    check: seen => brokenOff(seen, said(5)),
  },
  {
    id: 'f44',
    fault: 'the stream ends well, without a reason to end',
    expected: 'truncated',
    first: [events(ROLE, ...tokens(5))],
    stream: true,
    check: seen => brokenOff(seen, said(5)),
  },
  {
    id: 'f45',
    fault: 'a reason to end, and no [DONE]',
    expected: 'a success at once, with its usage',
    first: [events(ROLE, ...tokens(5), FINISH, USAGE)],
    stream: true,
    check: seen => {
      whole(seen, said(5))
      expect(seen.text).toContain('"completion_tokens":4')
      within(seen, 0, 0)
    },
  },
  {
    id: 'f45-open',
    fault: 'a reason to end, and then the connection is held open',
    expected: 'a success after two seconds at most',
    first: [events(ROLE, ...tokens(5), FINISH, 'FOREVER')],
    stream: true,
    check: seen => {
      whole(seen, said(5))
      within(seen, 0, 2_000)
      expect(seen.first[0]?.hung_up_after_ms).not.toBeNull()
    },
  },
  {
    id: 'f46',
    fault: '[DONE] without a reason to end',
    expected: 'truncated',
    first: [events(ROLE, ...tokens(5), DONE)],
    stream: true,
    check: seen => brokenOff(seen, said(5)),
  },
  {
    id: 'f47',
    fault: 'a stall in the middle of a stream, then it goes on',
    expected: 'given up at the limit between two events; what comes later is ignored',
    first: [events(ROLE, ...tokens(5), { wait_ms: TIMING.idle_ms * 2 }, token('late'), FINISH, DONE)],
    stream: true,
    check: seen => {
      brokenOff(seen, said(5), 'upstream_silent')
      expect(seen.first[0]?.hung_up_after_ms).not.toBeNull()
      within(seen, TIMING.idle_ms, TIMING.idle_ms)
    },
  },
  {
    id: 'f47-same',
    fault: 'a stall in the middle of a stream, and the next target answers the same',
    expected: 'given up at the limit between two events and taken up there: a complete answer',
    first: [events(ROLE, ...tokens(5), 'FOREVER')],
    second: [events(...good(20))],
    stream: true,
    check: seen => {
      rescued(seen, said(20))
      within(seen, TIMING.idle_ms, TIMING.idle_ms)
    },
  },
  {
    id: 'f70',
    fault: 'a stream that breaks off is taken up, and breaks off again',
    expected: 'no second rescue: what came, then an error in band',
    first: [events(ROLE, ...tokens(5), 'CLOSE')],
    second: [events(ROLE, ...tokens(9), 'CLOSE')],
    stream: true,
    check: seen => {
      brokenOff(seen, said(9))
      expect([seen.first.length, seen.second.length]).toEqual([1, 1])
    },
  },
  {
    id: 'f62',
    fault: 'a call is cut in the middle of its arguments',
    expected: 'nobody takes it up; an error in band',
    first: [events(ROLE, CALL, 'CLOSE')],
    stream: true,
    check: seen => {
      fromFirst(seen)
      expect(JSON.parse(seen.events.at(-2) ?? '{}')).toMatchObject({ error: { code: 'upstream_truncated' } })
    },
  },
  {
    id: 'f48',
    fault: 'one malformed event among many',
    expected: 'left out; a complete answer',
    first: [events(ROLE, ...tokens(3), 'data: {"choices":[{"del\n\n', token('t3 '), FINISH, DONE)],
    stream: true,
    check: seen => {
      whole(seen, said(4))
      for (const data of seen.events.slice(0, -1)) expect(() => JSON.parse(data)).not.toThrow()
    },
  },
  {
    id: 'f75',
    fault: 'talk after [DONE]',
    expected: 'ignored',
    first: [events(ROLE, ...tokens(2), FINISH, `${DONE}${token('more')}`, token('and more'), 'FOREVER')],
    stream: true,
    check: seen => {
      whole(seen, said(2))
      expect(seen.events.at(-1)).toBe('[DONE]')
    },
  },
]
