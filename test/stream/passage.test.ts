import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPassedUsage } from '../../worker/dialects/passed-usage.ts'
import { HELD_BYTES, type PassageForm, passage } from '../../worker/stream/passage.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const flowOf = (form: PassageForm, stream_end: string[] = []) =>
  passage({ form, readUsage: raw => readPassedUsage(raw, false), stream_end })

function sent(form: PassageForm, pieces: (string | Uint8Array)[], stream_end?: string[], broken = false) {
  const flow = flowOf(form, stream_end)
  for (const piece of pieces) flow.push(typeof piece === 'string' ? bytes(piece) : piece)
  flow.finish(broken)
  return flow
}
const out = (flow: ReturnType<typeof flowOf>) => new TextDecoder().decode(Uint8Array.from(flow.take().flatMap(piece => [...piece])))

describe('JSON that passes', () => {
  const body = '{"data":[{"embedding":[0.1]}], "usage": {"prompt_tokens":8,"total_tokens":8} }\n'

  it('is whole when it closes, and says what it used', () => {
    const flow = sent('json', [body])
    expect([flow.state, flow.complete, flow.seen.content]).toEqual(['open', true, true])
    expect(flow.seen.usage).toMatchObject({ input_tokens: 8, output_tokens: 0 })
    expect(out(flow)).toBe(body)
  })
  it('is not committed to before it is whole', () => {
    const flow = flowOf('json')
    flow.push(bytes(body.slice(0, -10)))
    expect(flow.seen.content).toBe(false)
  })
  it('unless it is too long to be held', () => {
    const flow = flowOf('json')
    flow.push(bytes(`{"data":"${'A'.repeat(HELD_BYTES)}`))
    expect(flow.seen.content).toBe(true)
    flow.push(bytes('","usage":{"prompt_tokens":1,"total_tokens":1,"input_tokens_details":{"cached_tokens":0}}}'))
    flow.finish()
    expect([flow.complete, flow.seen.usage?.input_tokens]).toEqual([true, 1])
  })
  it('that is cut is no answer where it was held, and not whole where it was not', () => {
    expect(sent('json', [body.slice(0, 30)]).seen.content).toBe(false)
    const long = sent('json', [`{"data":"${'A'.repeat(HELD_BYTES)}`], [], true)
    expect([long.seen.content, long.complete]).toEqual([true, false])
  })
  it.each([
    ['an object', '{"error":{"message":"no","code":"x"}}', 'no'],
    ['a text', '{"error":"no"}', 'no'],
  ])('is an error where it says so, as %s', (_, text, message) => {
    const flow = sent('json', [text])
    expect([flow.state, flow.seen.error?.message]).toEqual(['error', message])
  })
  it.each(['<html>', 'oops', ''])('is no answer where it is none: %j', text => expect(sent('json', [text]).seen.content).toBe(false))
  it('is the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 12 }), cuts => {
        const at = [0, ...cuts.sort((a, b) => a - b), body.length]
        const flow = sent(
          'json',
          at.slice(1).map((end, i) => body.slice(at[i], end)),
        )
        expect([out(flow), flow.complete, flow.seen.usage?.input_tokens]).toEqual([body, true, 8])
      }),
    )
  })
})

describe('events that pass', () => {
  const event = 'data: {"type":"image_generation.partial_image"}\n\n'
  it('are committed to with the first of them', () => {
    const flow = flowOf('events', ['[DONE]'])
    flow.push(bytes(event.slice(0, 20)))
    expect(flow.seen.content).toBe(false)
    flow.push(bytes(event.slice(20)))
    expect(flow.seen.content).toBe(true)
  })
  it('are whole with the word they end with, and cut without', () => {
    expect(sent('events', [event, 'data: [DONE]\n\n'], ['[DONE]']).complete).toBe(true)
    expect(sent('events', [event], ['[DONE]']).complete).toBe(false)
  })
  it('that break after it are whole all the same', () =>
    expect(sent('events', [event, 'data: [DONE]\n\n'], ['[DONE]'], true).complete).toBe(true))
  it('say what they used in the last of them', () => {
    const last = `data: {"type":"done","usage":{"input_tokens":3,"output_tokens":4}}\n\n`
    expect(sent('events', [event, last], ['"usage"']).seen.usage).toMatchObject({ input_tokens: 3, output_tokens: 4 })
  })
  it('that begin with an error are one', () =>
    expect(sent('events', ['event: error\ndata: {"error":{"message":"no"}}\n\n']).state).toBe('error'))
})

describe('bytes that pass', () => {
  it('are committed to with the first of them, and whole when the connection closes in order', () => {
    const flow = flowOf('bytes')
    flow.push(Uint8Array.of(0xff, 0xfb))
    expect(flow.seen.content).toBe(true)
    flow.finish()
    expect(flow.complete).toBe(true)
  })
  it('that break off are not', () => expect(sent('bytes', [Uint8Array.of(1)], [], true).complete).toBe(false))
  it('are no usage, whatever they spell', () => expect(sent('bytes', ['"usage":{"prompt_tokens":1}']).seen.usage).toBeNull())
})
