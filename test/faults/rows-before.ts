/** Faults before the first token, beyond those in `rows.ts`: certificates, limits, credentials, odd replies, and when nobody can answer. */
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { errorOf, fromSecond, type Row, refusal, type Seen, whole, within } from './rows.ts'
import { completion, cutShort, DONE, events, FINISH, ROLE, raw, silence, status } from './upstream.ts'

const JSON_HEAD = { 'content-type': 'application/json' }
/** A hundred million spaces between two braces, as a tenth of a megabyte. */
const BOMB = gzipSync(Buffer.concat([Buffer.from('{'), Buffer.alloc(100_000_000, 0x20), Buffer.from('}')]), { level: 9 })
const halfOf = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length / 2))
const notCalledAgain = (seen: Seen) => {
  expect(seen.content).toBe('second')
  expect(seen.first).toHaveLength(1)
}
const rejected = (code: number, message: string, name: string): Row => ({
  id: `f25-${code}`,
  fault: `${code} from the first target`,
  expected: 'the request is at fault: one call, and the caller hears it',
  first: [status(code, refusal(message, name))],
  stream: false,
  check: seen => {
    expect(seen.status).toBe(code)
    expect(errorOf(seen).message).toContain(message)
    expect([seen.first.length, seen.second.length]).toEqual([1, 0])
  },
})

export const ROWS_BEFORE: Row[] = [
  {
    id: 'f04',
    fault: 'the certificate is signed by nobody but itself',
    expected: 'nothing is sent there; the next target answers',
    provider: 'ollama',
    first: [],
    stream: true,
    check: seen => {
      fromSecond(seen)
      within(seen, 0, 500)
    },
  },
  {
    id: 'f15',
    fault: '429 without a time, for good',
    expected: 'the next target answers; called at most twice, and no gate opens',
    first: [status(429, '{"error":{"message":"slow down"}}')],
    stream: false,
    times: 6,
    check: seen => {
      expect(seen.content).toBe('second')
      expect(seen.first.length).toBeLessThanOrEqual(6)
    },
  },
  {
    id: 'f18',
    fault: '429 insufficient_quota',
    expected: 'not retried; left alone from then on',
    first: [status(429, refusal('You exceeded your current quota, please check your plan and billing details.', 'insufficient_quota'))],
    stream: false,
    times: 4,
    check: notCalledAgain,
  },
  {
    id: 'f19-401',
    fault: '401 from the first target',
    expected: 'the next target answers; the first is not called again',
    first: [status(401, refusal('Incorrect API key provided: sk-secret-1234.', 'invalid_api_key'))],
    stream: true,
    times: 3,
    check: notCalledAgain,
  },
  {
    id: 'f19-403',
    fault: '403 from both targets',
    expected: "502, and never the caller's own 401 or 403; no word of the key",
    first: [status(403, refusal('Key sk-secret-1234 may not.', 'forbidden'))],
    second: [status(401, refusal('Incorrect API key provided: sk-secret-1234.', 'invalid_api_key'))],
    stream: false,
    check: seen => {
      expect(seen.status).toBe(502)
      expect(errorOf(seen)).toMatchObject({ code: 'upstream_credential' })
      expect(seen.text).not.toContain('sk-secret')
    },
  },
  {
    id: 'f20',
    fault: '402',
    expected: 'as an exhausted quota',
    first: [status(402, '{"error":{"message":"Insufficient Balance"}}')],
    stream: false,
    times: 3,
    check: notCalledAgain,
  },
  {
    id: 'f21',
    fault: '404, the model is no more',
    expected: 'the next target answers; the first is left alone from then on',
    first: [status(404, refusal('The model `f21` does not exist or you do not have access to it.', 'model_not_found'))],
    stream: true,
    times: 3,
    check: notCalledAgain,
  },
  {
    id: 'f24',
    fault: '503, and a fallback that refuses a parameter',
    expected: 'the first error is told, as the second says nothing of the request',
    first: [status(503, '{"error":{"message":"busy"}}')],
    second: [status(400, refusal("Unsupported parameter: 'seed'.", 'unsupported_parameter'))],
    stream: false,
    check: seen => {
      expect(seen.status).toBe(503)
      expect(errorOf(seen)).toMatchObject({ code: 'upstream_unavailable' })
      expect(seen.text).not.toContain('seed')
    },
  },
  rejected(413, 'Request too large.', 'request_too_large'),
  rejected(422, 'Input should be a valid string.', 'validation_error'),
  {
    id: 'f26-same',
    fault: 'a redirect to itself',
    expected: 'not followed; the next target answers',
    first: [status(308, '', { location: '/v1/chat/completions' })],
    stream: true,
    check: seen => {
      fromSecond(seen)
      expect(seen.first).toHaveLength(1)
    },
  },
  ...[204, 205, 206].map(
    (code): Row => ({
      id: `f27-${code}`,
      fault: `${code}`,
      expected: 'no answer has that status: the next target answers',
      first: [code === 206 ? status(206, completion('part')) : raw(`HTTP/1.1 ${code} Whatever\r\ncontent-length: 0\r\n\r\n`)],
      stream: false,
      check: fromSecond,
    }),
  ),
  {
    id: 'f27-103',
    fault: '103 Early Hints before the answer',
    expected: 'a complete answer, from whoever can be understood',
    first: [
      raw(
        `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(completion('first'))}\r\n\r\n${completion('first')}`,
      ),
    ],
    stream: false,
    check: seen => {
      expect(seen.status).toBe(200)
      expect(['first', 'second']).toContain(seen.content)
    },
  },
  {
    id: 'f33',
    fault: 'a reason to end and no content at all',
    expected: 'the empty answer is the answer, and no evidence',
    first: [events(ROLE, FINISH, DONE)],
    stream: true,
    times: 6,
    check: seen => {
      whole(seen, '')
      expect(seen.text).toContain('"finish_reason":"stop"')
      expect(seen.first).toHaveLength(6)
    },
  },
  {
    id: 'f34',
    fault: 'a hundred megabytes in a tenth of one, compressed',
    expected: 'cut at the bound; the next target answers',
    first: [raw(BOMB, { ...JSON_HEAD, 'content-encoding': 'gzip' })],
    stream: false,
    check: seen => {
      fromSecond(seen)
      within(seen, 0, 3_000)
    },
  },
  {
    id: 'f35',
    fault: 'said to be compressed, and is not',
    expected: 'the next target answers',
    first: [raw(completion('first'), { ...JSON_HEAD, 'content-encoding': 'gzip' })],
    stream: false,
    check: fromSecond,
  },
  {
    id: 'f35-cut',
    fault: 'compressed, and cut in the middle',
    expected: 'the next target answers',
    first: [raw(halfOf(gzipSync(completion('first'.repeat(400)))), { ...JSON_HEAD, 'content-encoding': 'gzip' })],
    stream: false,
    check: fromSecond,
  },
  {
    id: 'f36',
    fault: 'the length it names is more than it sends',
    expected: 'never a success: the next target answers',
    first: [cutShort(`${completion('first')}${' '.repeat(2_000)}`)],
    stream: false,
    check: fromSecond,
  },
  {
    id: 'f37',
    fault: 'two hundred headers, one of 60 kB, and bytes that no header has',
    expected: 'a complete answer; none of them is passed on',
    first: [
      status(200, completion('first'), {
        ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-many-${i}`, 'v'])),
        'x-large': 'x'.repeat(60_000),
        'x-bytes': '\u00ff\u0001\u0080',
        'set-cookie': 'a=b',
      }),
    ],
    stream: false,
    check: seen => {
      expect(seen.status).toBe(200)
      expect(['first', 'second']).toContain(seen.content)
      for (const [name] of seen.headers) expect(name).not.toMatch(/^(x-many|x-large|x-bytes|set-cookie)/)
    },
  },
  {
    id: 'f38',
    fault: 'both targets answer 503, for good',
    expected: 'one 503 with the first cause and when to come back, within three calls, and at once as soon as that is known',
    first: [status(503, '{"error":{"message":"first is busy"}}')],
    second: [status(503, '{"error":{"message":"second is busy"}}')],
    stream: false,
    times: 8,
    check: seen => {
      expect(seen.status).toBe(503)
      expect(errorOf(seen)).toMatchObject({ code: 'upstream_unavailable', type: 'server_error' })
      expect(errorOf(seen).message).toMatch(/failed with status 503: (first|second) is busy/)
      // By now both gates are shut: for five seconds, give or take a fifth, and half as long again after each probe.
      expect(Number(seen.headers.get('retry-after-ms'))).toBeGreaterThan(0)
      expect(Number(seen.headers.get('retry-after-ms'))).toBeLessThanOrEqual(18_000)
      within(seen, 0, 500)
    },
  },
  {
    id: 'f38-429',
    fault: 'both targets answer 429, and say when to come back',
    expected: 'one 429, with the sooner of the two times',
    first: [status(429, '{"error":{"message":"slow down"}}', { 'retry-after': '40' })],
    second: [status(429, '{"error":{"message":"slow down"}}', { 'retry-after': '20' })],
    stream: false,
    check: seen => {
      expect(seen.status).toBe(429)
      expect(seen.headers.get('retry-after')).toBe('20')
    },
  },
  {
    id: 'f39',
    fault: '503, and a fallback slower than the whole deadline',
    expected: '504 at the deadline; both calls are closed and settled',
    first: [status(503, '{"error":{"message":"busy"}}')],
    second: [silence],
    stream: true,
    limits: { total_ms: 1_500, first_token_ms: 5_000, headers_ms: 5_000 },
    check: seen => {
      expect(seen.status).toBe(504)
      expect(seen.second[0]?.hung_up_after_ms).not.toBeNull()
      within(seen, 1_300, 1_500)
    },
  },
]
