/**
 * A stream that broke off, as the official clients of its format read it: taken up by another target it is one answer, whoever was
 * cut and whoever goes on; and where nobody goes on, the client raises an error and gives back no answer.
 */
import { describe, expect, it } from 'vitest'
import { type StreamEvent, UNKNOWN_USAGE } from '../../worker/schema/chat.ts'
import { relay } from '../../worker/stream/relay.ts'
import { continuation, shown } from '../../worker/stream/splice.ts'
import { encodeEvents } from '../../worker/stream/sse.ts'
import { codec, SPOKEN, type Spoken, wire } from './replay.ts'
import { STREAM_CLIENTS } from './saw.ts'

const TEXT = 'The night train leaves Bern at ten and arrives in Vienna by breakfast.'
const CUT = TEXT.indexOf(' arrives')
const FINISH: Record<Spoken, string> = { 'openai-chat': 'stop', 'openai-responses': 'completed', 'anthropic-messages': 'end_turn' }

function told(name: Spoken, text: string, ends: boolean): Uint8Array {
  const writer = codec(name).reply.writer()
  const pieces = text.match(/\S+\s*|\s+/g) ?? []
  const events: StreamEvent[] = [
    { type: 'start', dialect: name, id: 'resp_1', model: 'm', created_at_s: 1 },
    ...pieces.map((piece): StreamEvent => ({ type: 'text', choice: 0, text: piece })),
    ...(ends
      ? ([
          { type: 'finish', choice: 0, finish: 'stop', finish_raw: FINISH[name] },
          { type: 'usage', usage: { ...UNKNOWN_USAGE, input_tokens: 30, output_tokens: 8 } },
          { type: 'end' },
        ] as StreamEvent[])
      : []),
  ]
  return wire(
    events.flatMap(event => writer.write(event)),
    name,
  )
}

/** What a caller was sent until the first target broke off, and what may be known of it. */
function broken(first: Spoken, caller: Spoken) {
  const naming = { id: 'resp_2', renames: false, model: 'm', created_at_s: 1 }
  const [from, to] = [codec(first), codec(caller)]
  const flow = relay({ from, to, drop_usage: false, choices: 1, keeps_chars: 10_000, ...(first !== caller && { naming }) })
  flow.push(told(first, TEXT.slice(0, CUT), false))
  flow.finish(true)
  const before = flow.told()
  if (before === null) throw new Error('nothing was kept')
  return { sent: flow.take(), before }
}

describe.each(SPOKEN)('for the client of %s', caller => {
  const cells = SPOKEN.flatMap(first => SPOKEN.map(second => [first, second] as const))
  it.each(cells)('cut at %s and taken up at %s, it is one answer with the counts of both calls', async (first, second) => {
    const { sent, before } = broken(first, caller)
    const note = { signalbox: { rescued: { by: 'continue', target: 'two/model', behind_chars: CUT } } }
    const usage = { ...UNKNOWN_USAGE, input_tokens: 20, output_tokens: 7 }
    const resumes = { told: before, seam: continuation(before.text), usage, note }
    const flow = relay({ from: codec(second), to: codec(caller), drop_usage: false, choices: 1, resumes })
    flow.push(told(second, TEXT.slice(shown(before.text).length), true))
    flow.finish()
    const saw = await STREAM_CLIENTS[caller](Buffer.concat([...sent, ...flow.take()]))
    expect(saw).toMatchObject({ text: TEXT, ended: 'stop', output_tokens: 15 })
  })
  it.each(SPOKEN)('cut at %s and taken up by nobody, it is raised as an error', async first => {
    const { sent } = broken(first, caller)
    const error = codec(caller).error.writeInBand({ code: 'upstream_truncated', target: 'one/model', message: 'the connection broke' })
    await expect(STREAM_CLIENTS[caller](Buffer.concat([...sent, encodeEvents(error)]))).rejects.toThrow()
  })
})
