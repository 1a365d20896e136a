/**
 * Every row of `answered-rows.ts`, from the format it was said in to callers of the others: carried, or reported for what it is.
 */
import { describe, expect, it } from 'vitest'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import { eventsOf } from '../../worker/dialects/fold.ts'
import type { DialectName, JsonObject, Loss, Reply } from '../../worker/schema/chat.ts'
import { NEEDLESS, ROWS, type Row } from './answered-rows.ts'
import { codec, SPOKEN, type Spoken } from './replay.ts'

const NICKNAMES: Record<Spoken, string> = { 'openai-chat': 'chat', 'openai-responses': 'responses', 'anthropic-messages': 'messages' }
const HOWS = ['dropped', 'approximated', 'emulated'] as const

const has = (text: string, marks: Row[3]) => marks.every(mark => (typeof mark === 'string' ? text.includes(mark) : mark.test(text)))
const fate = (text: string, losses: Loss[], marks: Row[3]) =>
  HOWS.find(how => losses.some(loss => loss.how === how)) ?? (has(text, marks) ? 'carried' : 'needless')

function replyIn([what, from, body]: Row): Reply {
  const read = codec(from).reply.read(structuredClone(body))
  if (!read.ok) throw new Error(`${what}: ${read.error}`)
  return read.value
}

/** The same answer as a stream of its own format. */
function wireOf(row: Row): SseEvent[] {
  const [, from, body] = row
  if (from === 'gemini') return [{ event: null, data: JSON.stringify(body) }]
  if (from === 'openai-chat')
    return [
      { event: null, data: JSON.stringify({ ...body, choices: deltasOf(body) }) },
      { event: null, data: '[DONE]' },
    ]
  const writer = codec(from).reply.writer()
  return eventsOf(replyIn(row)).flatMap(event => writer.write(event))
}

const deltasOf = (body: JsonObject) =>
  (body.choices as JsonObject[]).map(({ message, ...choice }) => {
    const { tool_calls, ...delta } = message as JsonObject
    const calls = (tool_calls as JsonObject[] | undefined)?.map((call, index) => ({ index, ...call }))
    return { ...choice, delta: calls ? { ...delta, tool_calls: calls } : delta }
  })

function inFlight(row: Row, to: DialectName): string {
  const reader = codec(row[1]).reply.reader()
  const writer = codec(to).reply.writer()
  const events = wireOf(row).flatMap(event => reader.read(event))
  if (!events.some(({ type }) => type === 'end')) events.push({ type: 'end' })
  const text = events.flatMap(event => writer.write(event)).map(({ data }) => data)
  return fate(text.join('\n'), writer.losses?.() ?? [], row[3])
}

function whole(row: Row, to: DialectName): string {
  const { body, losses } = codec(to).reply.write(replyIn(row))
  return fate(JSON.stringify(body), losses, row[3])
}

const told = (from: DialectName, of: (to: Spoken) => string) =>
  SPOKEN.filter(to => to !== from)
    .map(to => `${NICKNAMES[to]} ${of(to)}`)
    .join(', ')

describe.each(ROWS.map(row => [row[1], row[0], row] as const))('what %s answers: %s', (from, what, row) => {
  it('is told whole, or reported', () => {
    expect(told(from, to => whole(row, to))).toBe(row[4])
    if (row[4].includes('needless')) expect(NEEDLESS, 'lost in silence').toHaveProperty([what])
  })
  // A row that stands for whole answers only says so by null.
  if (row[5] === null) return
  it('is told in flight, or reported', () => {
    const expected = row[5] === 'same' ? row[4] : row[5]
    expect(
      has(
        wireOf(row)
          .map(({ data }) => data)
          .join('\n'),
        row[3],
      ),
      'the stream has it',
    ).toBe(true)
    expect(told(from, to => inFlight(row, to))).toBe(expected)
    if (expected?.includes('needless')) expect(NEEDLESS, 'lost in silence').toHaveProperty([what])
  })
})
