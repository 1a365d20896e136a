import { describe, expect, it, vi } from 'vitest'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import { nothingSeen } from '../../worker/dialects/dialect.ts'
import { DIALECT_CODECS } from '../../worker/dialects/dialects.ts'
import { eventJson, parsedJson } from '../../worker/dialects/event-json.ts'

const event = (data: string): SseEvent => ({ event: null, data })

describe('an event that is both watched and translated', () => {
  it.each(Object.values(DIALECT_CODECS).map(dialect => [dialect.name, dialect] as const))('is parsed once in %s', (_, { reply }) => {
    const parse = vi.spyOn(JSON, 'parse')
    const said = event('{"type":"x","choices":[],"candidates":[]}')
    reply.observe(nothingSeen(), said)
    reply.reader().read(said)
    expect(parse.mock.calls.filter(([text]) => text === said.data)).toHaveLength(1)
    parse.mockRestore()
  })
  it('that is no JSON object is not parsed again either', () => {
    for (const data of ['', 'null', '7', '[1]', '{"a":', 'event']) {
      const parse = vi.spyOn(JSON, 'parse')
      const said = event(data)
      expect([parsedJson(said), eventJson(said)]).toEqual([null, null])
      expect(parse.mock.calls).toHaveLength(1)
      parse.mockRestore()
    }
  })
  it('that nests a hundred thousand deep is watched and not walked', () => {
    const deep = event(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    expect(parsedJson(deep)).not.toBeNull()
    expect(eventJson(deep)).toBeNull()
  })
})
