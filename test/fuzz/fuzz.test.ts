/** The short form of `npm run fuzz`, and that work grows as the stream does. */
import { describe, expect, it, vi } from 'vitest'
import { relayed } from '../conformance/replay.ts'
import { caseOf, chanceOf, fuzz, outcomeOf, piecesOf } from './streams.ts'

describe('a stream cut anywhere', () => {
  it('holds the same events, in a thousand ways', () => {
    expect(fuzz(1_000, 1).failures).toEqual([])
  })
  it('is cut into all of its bytes, whatever the pieces', () => {
    const chance = chanceOf(7)
    for (let i = 0; i < 50; i += 1) {
      const { bytes } = caseOf(chance)
      expect(Buffer.concat(piecesOf(bytes, chance)).equals(Buffer.from(bytes))).toBe(true)
    }
  })
  it('that differs is found: one byte left out is another outcome', () => {
    const chance = chanceOf(3)
    const found = Array.from({ length: 40 }, () => {
      const one = caseOf(chance)
      const short = one.bytes.subarray(Math.floor(one.bytes.length / 2))
      return JSON.stringify(outcomeOf(one, [short])) !== JSON.stringify(outcomeOf(one, [one.bytes]))
    })
    expect(found.filter(Boolean).length).toBeGreaterThan(30)
  })
})

/** Bytes decoded, copied and parsed: what a quadratic loop would do again and again. */
function workOf(run: () => void): number {
  let work = 0
  const decode = vi.spyOn(TextDecoder.prototype, 'decode')
  const set = vi.spyOn(Uint8Array.prototype, 'set')
  const parse = vi.spyOn(JSON, 'parse')
  run()
  for (const [input] of decode.mock.calls) work += (input as Uint8Array | undefined)?.byteLength ?? 0
  for (const [input] of set.mock.calls) work += input.length
  for (const [input] of parse.mock.calls) work += input.length
  vi.restoreAllMocks()
  return work
}

const event = `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"word 🚂 "},"finish_reason":null}]}\n\n`
const streamOf = (events: number) => new TextEncoder().encode(event.repeat(events))
const byteByByte = (bytes: Uint8Array) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))

describe('the work of a stream in pieces of one byte', () => {
  it.each(['openai-chat', 'anthropic-messages'] as const)('doubles where the stream doubles, to a caller of %s', to => {
    const [one, two] = [byteByByte(streamOf(200)), byteByByte(streamOf(400))]
    relayed(byteByByte(streamOf(2)), 'openai-chat', to)
    const once = workOf(() => relayed(one, 'openai-chat', to))
    const twice = workOf(() => relayed(two, 'openai-chat', to))
    expect(once).toBeGreaterThan(streamOf(200).length)
    expect(twice / once).toBeGreaterThan(1.9)
    expect(twice / once).toBeLessThan(2.1)
  })
  it('of one line that never ends doubles too', () => {
    const line = (bytes: number) => byteByByte(new TextEncoder().encode(`data: ${'x'.repeat(bytes)}`))
    const once = workOf(() => relayed(line(20_000), 'openai-chat', 'openai-responses'))
    const twice = workOf(() => relayed(line(40_000), 'openai-chat', 'openai-responses'))
    expect(twice / once).toBeLessThan(2.1)
  })
})
