/**
 * How many of the streams that break off are rescued, where there is a target that goes on from a beginning: through the whole of dispatch,
 * in every format of a caller and of targets, broken in each way a stream breaks, after a random piece.
 */
import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../worker/dialects/dialect.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import type { DialectName, StreamEvent } from '../../worker/schema/chat.ts'
import { encodeEvents, sseParser } from '../../worker/stream/sse.ts'
import { codec, SPOKEN } from '../conformance/replay.ts'
import { chanceOf } from '../fuzz/cuts.ts'
import { callFor, type Script, type Step, world } from './world.ts'

const CUTS = 600
const PHRASES = [
  'The ',
  'train ',
  'leaves ',
  'Bern at ten, ',
  'Grüße ',
  '漢字 ',
  '🚂',
  '"quoted"',
  '\n\n',
  '- item\n',
  'a\\b ',
  '1, 2, 3 ',
  '  ',
  '```\n',
  'x',
]
const PROMPTS: Record<(typeof SPOKEN)[number], string> = {
  'openai-chat': '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true}',
  'openai-responses': '{"model":"auto","input":"Hello","stream":true}',
  'anthropic-messages': '{"model":"auto","max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"stream":true}',
}
const FINISHES = { 'openai-chat': 'stop', 'openai-responses': 'completed', 'anthropic-messages': 'end_turn' } as const

function written({ reply, name }: Dialect, pieces: string[]): Step[] {
  const writer = reply.writer()
  const events: StreamEvent[] = [
    { type: 'start', id: 'made-up', model: 'm', created_at_s: 1 },
    ...pieces.map((text): StreamEvent => ({ type: 'text', choice: 0, text })),
    { type: 'finish', choice: 0, finish: 'stop', finish_raw: FINISHES[name as keyof typeof FINISHES] },
    { type: 'end' },
  ]
  return events.map(event => encodeEvents(writer.write(event)))
}

function textIn(bytes: string, { reply }: Dialect): { text: string; ends: number; failed: boolean } {
  const reader = reply.reader()
  const events: StreamEvent[] = []
  const parser = sseParser(event => events.push(...reader.read(event)))
  parser.push(new TextEncoder().encode(bytes))
  parser.end()
  return {
    text: events.map(event => (event.type === 'text' ? event.text : '')).join(''),
    ends: events.filter(({ type }) => type === 'end').length,
    failed: events.some(({ type }) => type === 'error'),
  }
}

const sse = (body: Step[]): Script => ({ headers: { 'content-type': 'text/event-stream' }, body })

describe('text streams that break off in the middle, where another target goes on from a beginning', () => {
  it(`M13: at least 95 of 100 are completed, and all of these to the byte (${CUTS} cuts)`, async () => {
    const chance = chanceOf(13)
    const among = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
    let completed = 0
    const wrong: string[] = []
    for (let i = 0; i < CUTS; i++) {
      const [caller, first, second] = [among(SPOKEN), among(SPOKEN), among(SPOKEN)].map(codec) as [Dialect, Dialect, Dialect]
      // A number in each, as what is said twice in a row cannot be told from a repetition.
      const pieces = Array.from({ length: 8 + Math.floor(chance() * 60) }, (_, n) => `${among(PHRASES)}${n} `)
      const text = pieces.join('')
      const steps = written(first, pieces)
      // Behind the start and one piece, before the reason to end.
      const at = 2 + Math.floor(chance() * (pieces.length - 1))
      const breaks: Step[] = among([['CUT'], [], [{ wait_ms: 60_000 }]] as const).slice()
      const said = pieces
        .slice(0, at - 1)
        .join('')
        .trimEnd()
      const dialects: Record<string, DialectName> = { a: first.name, b: second.name }
      const stage = world(
        { a: [sse([...steps.slice(0, at), ...breaks])], b: [sse(written(second, [text.slice(said.length)]))] },
        { dialects, prefill: { b: true }, codecs: codec },
      )
      const call = callFor(stage, true, {
        dialect: caller,
        text: PROMPTS[caller.name as keyof typeof PROMPTS],
        plan: { rescue: { by: ['continue', 'restart'], text_at_most_tokens: 6_000 } },
      })
      const carried = await stage.clock.run(dispatch(call, stage.carrier))
      if (!carried.ok) throw new Error('no answer began')
      const { body, ended } = carried.value.release()
      const heard = textIn(await stage.clock.run(new Response(body).text()), caller)
      const { outcome } = await stage.clock.run(Promise.resolve(ended))
      if (outcome !== 'completed' || heard.failed) continue
      completed++
      if (heard.text !== text || heard.ends !== 1) wrong.push(`${caller.name} ${first.name} ${second.name} ${at}: ${heard.text}`)
    }
    expect(wrong).toEqual([])
    expect(completed / CUTS).toBeGreaterThanOrEqual(0.95)
  }, 120_000)
})
