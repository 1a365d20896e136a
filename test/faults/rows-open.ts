/**
 * Faults behind a stream that was opened before anybody had begun to answer. What becomes of them is what would have become of them
 * otherwise; only the status is 200 by then, and what the headers did not know comes as comments.
 */
import { expect } from 'vitest'
import { brokenOff, fromSecond, type Row, rescued, type Seen, said } from './rows.ts'
import { answers, events, good, later, ROLE, silence, status, tokens } from './upstream.ts'

/** Of policies of their own, as a stream is opened after 3 s and kept alive every 10 s otherwise, which no test waits for. */
const limits = { open_after_ms: 300, keep_alive_ms: 400, first_token_ms: 1_500, headers_ms: 1_500, total_ms: 10_000 }
const BUSY = status(503, '{"error":{"message":"busy"}}')

/** Opened at once, kept alive, and the target in a comment ahead of the answer. */
const opened = (seen: Seen, comments: number) => {
  expect(seen.status).toBe(200)
  expect(seen.headers.get('x-signalbox-target')).toBe('pending')
  expect(seen.headers.get('x-signalbox-decision')).toMatch(/^dec_/)
  expect(seen.text.startsWith(': keep-alive\n\n')).toBe(true)
  expect(seen.text.split(': keep-alive\n\n').length - 1).toBeGreaterThanOrEqual(comments)
}

export const ROWS_OPEN: Row[] = [
  {
    id: 'f05-open',
    fault: 'silence, behind a stream that is open',
    expected: 'kept alive, and the next target answers in it',
    first: [silence],
    stream: true,
    limits,
    check: seen => {
      opened(seen, 3)
      fromSecond(seen)
      expect(seen.first).toHaveLength(1)
    },
  },
  {
    id: 'f06-open',
    fault: 'a role and no token, behind a stream that is open',
    expected: 'nothing of it is heard; the next target answers',
    first: [events(ROLE, 'FOREVER')],
    stream: true,
    limits,
    check: seen => {
      opened(seen, 3)
      fromSecond(seen)
      expect(seen.text.split('"role":"assistant"')).toHaveLength(2)
    },
  },
  {
    id: 'f09-open',
    fault: '503 after a while, behind a stream that is open',
    expected: 'the next target answers in it',
    first: [later(800, BUSY)],
    stream: true,
    limits,
    check: seen => {
      opened(seen, 1)
      fromSecond(seen)
    },
  },
  {
    id: 'f38-open',
    fault: 'both targets are silent, behind a stream that is open',
    expected: 'one error in the stream, with the status it would have had, and its end',
    first: [silence],
    second: [silence],
    stream: true,
    limits,
    check: seen => {
      opened(seen, 5)
      expect(JSON.parse(seen.events.at(-2) ?? '{}')).toMatchObject({ error: { code: 'upstream_silent', status: 504 } })
      expect(seen.events).toHaveLength(2)
      expect(seen.events.at(-1)).toBe('[DONE]')
    },
  },
  {
    id: 'f42-open',
    fault: 'an answer that began late, and is cut after 40 tokens',
    expected: 'taken up by the second target, as ever',
    first: [later(800, events(ROLE, ...tokens(40), 'CLOSE'))],
    second: [events(...good(60))],
    stream: true,
    limits,
    check: seen => {
      opened(seen, 1)
      rescued(seen, said(60))
    },
  },
  {
    id: 'f43-open',
    fault: 'an answer that began late is reset, and nobody says the same',
    expected: 'what came is kept, then an error',
    first: [later(800, events(ROLE, ...tokens(3), { wait_ms: 200 }, 'RESET'))],
    second: [answers('something else')],
    stream: true,
    limits,
    check: seen => {
      opened(seen, 1)
      brokenOff(seen, said(3))
    },
  },
]
