/**
 * Every field of `asked-rows.ts`, from the format it was written in into every other and into its own: carried, or reported for what it is.
 */
import { describe, expect, it } from 'vitest'
import { DIALECT_CODECS } from '../../worker/dialects/dialects.ts'
import type { DialectName, Loss } from '../../worker/schema/chat.ts'
import { NEEDLESS, ROWS } from './asked-rows.ts'

const NICKNAMES: Partial<Record<DialectName, string>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
  gemini: 'gemini',
  'bedrock-converse': 'converse',
}
const FACTS = { output_tokens: 32_000, reasoning: true }
const HOWS = ['dropped', 'approximated', 'emulated'] as const

function sent([what, from, body]: (typeof ROWS)[number], to: DialectName) {
  const read = DIALECT_CODECS[from]?.request.read(structuredClone(body))
  if (!read?.ok) throw new Error(`${what}: the table holds no request`)
  const written = DIALECT_CODECS[to]?.request.write(read.value, 'm', FACTS)
  if (!written) throw new Error(`${to} is not written`)
  return { text: JSON.stringify(written.body), losses: written.losses }
}

/** Losses that come with every tool, in rows that are not about them. */
const about = (what: string, { field, how }: Loss) =>
  !(field === 'tools' && how === 'emulated') && (what.includes('strict') || !/^tools\[\d+\]\.strict$/.test(field))

function fate(row: (typeof ROWS)[number], to: DialectName): string {
  const { text, losses } = sent(row, to)
  const how = HOWS.find(each => losses.some(loss => loss.how === each && about(row[0], loss)))
  if (how !== undefined) return how
  return row[3].every(mark => (typeof mark === 'string' ? text.includes(mark) : mark.test(text))) ? 'carried' : 'needless'
}

const DIALECTS = Object.keys(DIALECT_CODECS) as DialectName[]

describe('what a caller asks for', () => {
  it.each(ROWS.map(row => [row[1], row[0], row] as const))('%s: %s', (from, what, row) => {
    const told = DIALECTS.filter(to => to !== from && NICKNAMES[to]).map(to => `${NICKNAMES[to]} ${fate(row, to)}`)
    expect(told.join(', ')).toBe(row[4])
    for (const to of DIALECTS)
      if (to !== from && fate(row, to) === 'needless') expect(NEEDLESS, 'lost in silence').toHaveProperty([`${what} > ${to}`])
  })
  it.each(ROWS.map(row => [row[1], row[0], row] as const))('%s, into its own format, is what it was: %s', (from, _, row) => {
    const { text, losses } = sent(row, from)
    expect(losses).toEqual([])
    for (const mark of row[3]) expect(typeof mark === 'string' ? text.includes(mark) : mark.test(text)).toBe(true)
  })
  it('gives no reason for what is not needless', () => {
    const given = ROWS.flatMap(row => DIALECTS.filter(to => to !== row[1] && fate(row, to) === 'needless').map(to => `${row[0]} > ${to}`))
    expect(Object.keys(NEEDLESS).filter(name => !given.includes(name))).toEqual([])
  })
})

describe('a loss', () => {
  it.each(ROWS.map(row => [row[1], row[0], row] as const))('of %s is told once: %s', (from, _, row) => {
    for (const to of DIALECTS.filter(each => each !== from)) {
      const fields = sent(row, to).losses.map(({ field, how }) => `${field} ${how}`)
      expect([to, fields]).toEqual([to, [...new Set(fields)]])
    }
  })
})
