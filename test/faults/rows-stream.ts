/** Faults in the middle of a stream, beyond those in `rows.ts`: events that cannot be read, errors in band, lines without end, odd endings. */
import { expect } from 'vitest'
import { brokenOff, fromSecond, type Row, said, whole } from './rows.ts'
import { answers, chunk, DONE, events, FINISH, overloaded, ROLE, status, token, tokens } from './upstream.ts'

const BAD = 'data: {"choices":[{"del\n\n'
/** In pieces, as nobody sends ten megabytes at once. */
const MEGABYTES = (count: number) => Array.from({ length: count * 16 }, () => 'x'.repeat(65_536))
const ended = (reason: string) => chunk({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })

export const ROWS_STREAM: Row[] = [
  {
    id: 'f49-every',
    fault: 'no event can be read',
    expected: 'nothing has left: the next target answers',
    first: [events(BAD, BAD, BAD, BAD, DONE)],
    stream: true,
    check: fromSecond,
  },
  {
    id: 'f49-last',
    fault: 'the last event cannot be read, and the stream ends',
    expected: 'truncated',
    first: [events(ROLE, ...tokens(3), BAD)],
    second: [answers('quite another')],
    stream: true,
    check: seen => brokenOff(seen, said(3)),
  },
  {
    id: 'f49-three',
    fault: 'three events of many cannot be read',
    expected: 'truncated: one is an accident, three are a broken stream',
    first: [events(ROLE, ...tokens(3), BAD, token('t3 '), BAD, BAD, token('t4 '), FINISH, DONE)],
    second: [answers('quite another')],
    stream: true,
    check: seen => brokenOff(seen, said(4)),
  },
  {
    id: 'f50',
    fault: 'an event named error, overloaded, after tokens',
    expected: "an error in band, in the caller's format",
    first: [events(ROLE, ...tokens(3), overloaded('event: error\n'), 'CLOSE')],
    second: [answers('quite another')],
    stream: true,
    check: seen => brokenOff(seen, said(3), 'upstream_failed'),
  },
  {
    id: 'f51',
    fault: 'an error as data after tokens',
    expected: "an error in band, in the caller's format",
    first: [events(ROLE, ...tokens(3), overloaded(''), DONE)],
    second: [answers('quite another')],
    stream: true,
    check: seen => brokenOff(seen, said(3), 'upstream_failed'),
  },
  {
    id: 'f59',
    fault: 'a line that does not end, ten megabytes of it',
    expected: 'cut at the bound of one event; truncated',
    first: [events(ROLE, ...tokens(3), 'data: ', ...MEGABYTES(10), 'FOREVER')],
    second: [answers('quite another')],
    stream: true,
    check: seen => {
      brokenOff(seen, said(3))
      expect(seen.first[0]?.hung_up_after_ms).not.toBeNull()
      expect(seen.text.length).toBeLessThan(100_000)
    },
  },
  {
    id: 'f65',
    fault: 'a filter ends the answer in its middle',
    expected: 'told as what it is: no error and no other target',
    first: [events(ROLE, ...tokens(3), ended('content_filter'), DONE)],
    stream: true,
    check: seen => {
      whole(seen, said(3))
      expect(seen.text).toContain('"finish_reason":"content_filter"')
    },
  },
  {
    id: 'f66',
    fault: 'the limit of length ends the answer',
    expected: 'told as what it is: nobody takes it up',
    first: [events(ROLE, ...tokens(3), ended('length'), DONE)],
    stream: true,
    check: seen => {
      whole(seen, said(3))
      expect(seen.text).toContain('"finish_reason":"length"')
    },
  },
  {
    id: 'f69',
    fault: 'a stream breaks off, and the target that should take it up refuses to',
    expected: 'the first error is told; the refusal is not',
    first: [events(ROLE, ...tokens(3), 'CLOSE')],
    second: [status(400, '{"error":{"message":"The conversation must end with a user message.","type":"invalid_request_error"}}')],
    stream: true,
    check: seen => {
      brokenOff(seen, said(3))
      expect(seen.text).not.toContain('user message')
    },
  },
]
