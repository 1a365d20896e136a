import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../worker/dialects/dialect.ts'
import { dialectNamed } from '../../worker/dialects/dialects.ts'
import { replyOf } from '../../worker/dialects/fold.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import type { Ended } from '../../worker/dispatch/call.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import type { DialectName, StreamEvent } from '../../worker/schema/chat.ts'
import type { Rescue } from '../../worker/schema/policy.ts'
import { encodeEvents, sseParser } from '../../worker/stream/sse.ts'
import {
  type CallOptions,
  callFor,
  completion,
  DONE,
  FINISH,
  ROLE,
  refusal,
  replies,
  type Script,
  type Step,
  streams,
  type TestWorld,
  token,
  USAGE,
  world,
} from './world.ts'

const TEXT = 'The night train leaves Bern at ten and arrives in Vienna by breakfast, with one change at Zurich.'
const words = TEXT.match(/\S+\s*/g) ?? []
const tokens = (text: string) => (text.match(/\S+\s*|\s+/g) ?? []).map(token)
const saidAfter = (count: number) => words.slice(0, count).join('')
const BY = (...by: Rescue['by']): CallOptions => ({ plan: { rescue: { by, text_at_most_tokens: 6_000 } } })
const ALL = BY('continue', 'instruct', 'restart')

type Heard = { text: string; said: string; finish: string | null; ended: Ended; error: unknown; took_ms: number }

async function deliver(at: TestWorld, options: CallOptions = ALL): Promise<Heard> {
  const started_ms = at.clock.nowMs()
  const call = callFor(at, true, options)
  const carried = await at.clock.run(dispatch(call, at.carrier))
  if (!carried.ok) throw new Error('no answer began')
  const { body, ended } = carried.value.release()
  const text = await at.clock.run(new Response(body).text())
  const end = await at.clock.run(ended)
  await at.clock.advance(5)
  expect(at.open(), 'connections left open').toEqual([])
  expect(at.reports.length, 'one report for each call').toBe(at.received.length)
  const events = heard(text, call.dialect)
  const { choices } = replyOf(events)
  const said = (choices[0]?.parts ?? []).map(part => (part.type === 'text' ? part.text : '')).join('')
  const error = events.find(event => event.type === 'error')
  return { text, said, finish: choices[0]?.finish ?? null, ended: end, error, took_ms: at.clock.nowMs() - started_ms }
}

function heard(text: string, dialect: Dialect): StreamEvent[] {
  const reader = dialect.reply.reader()
  const events: StreamEvent[] = []
  const parser = sseParser(event => events.push(...reader.read(event)))
  parser.push(new TextEncoder().encode(text))
  parser.end()
  return events
}

const cut = (count: number, ...end: Step[]) => streams(ROLE, ...tokens(saidAfter(count)), ...(end.length === 0 ? ['CUT' as const] : end))
const whole = (text: string, ...more: Step[]): Step[] => [ROLE, ...tokens(text), FINISH, ...more, DONE]
const from = (text: string, ...more: Step[]) => streams(...whole(text, ...more))
const roles = ({ ended }: Heard) => ended.attempts.map(({ target, role, class: kind }) => `${target} ${role} ${kind}`)

describe('an answer that breaks off', () => {
  it('goes on at a target that takes its beginning, to the letter', async () => {
    const at = world({ a: [cut(6)], b: [from(TEXT.slice(saidAfter(6).trimEnd().length))] }, { prefill: { b: true } })
    const { said, finish, ended, text } = await deliver(at)
    expect(said).toBe(TEXT)
    expect(finish).toBe('stop')
    expect(at.received[1]?.body.messages).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: saidAfter(6).trimEnd() },
    ])
    expect(text.match(/\[DONE\]/g)).toHaveLength(1)
    expect(ended).toMatchObject({ outcome: 'completed', status: 200, error: null, target: 'a', finish_reason: 'stop' })
  })
  it('goes on at a target that wants to be told so by a mark, and says the beginning again', async () => {
    const at = world({ a: [cut(6)], b: [from(TEXT)] }, { prefill: { b: true } })
    const target = at.targets.get('b')
    if (target) target.provider.prefill_with = { message: { prefix: true }, body: { go_on: true }, echoes: true }
    expect((await deliver(at, BY('continue'))).said).toBe(TEXT)
    expect(at.received[1]?.body).toMatchObject({ go_on: true, messages: [{ role: 'user' }, { role: 'assistant', prefix: true }] })
    const short = world({ a: [cut(1)], b: [] }, { prefill: { b: true } })
    const other = short.targets.get('b')
    if (other) other.provider.prefill_with = { echoes: true }
    expect((await deliver(short, BY('continue'))).ended.outcome).toBe('truncated')
  })
  it('goes on at a target that was told to, where a policy lets it', async () => {
    const at = world({ a: [cut(8)], b: [from(TEXT.slice(saidAfter(8).length))] })
    expect((await deliver(at, BY('instruct'))).said).toBe(TEXT)
    const messages = at.received[1]?.body.messages as { role: string; content: string }[]
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
    expect(messages[2]?.content).toMatch(/^Your last message was cut off/)
  })
  it('goes on behind an answer that begins anew and is the same so far', async () => {
    const at = world({ a: [cut(6)], b: [from(TEXT)] })
    expect((await deliver(at, BY('continue', 'restart'))).said).toBe(TEXT)
    expect(at.received[1]?.body.messages).toEqual([{ role: 'user', content: 'Hello' }])
  })
  it('ends honestly where the other answer comes out otherwise, and nothing of that is sent', async () => {
    const at = world({ a: [cut(6)], b: [from('The night train leaves from Berne')] })
    const { said, finish, ended, error, text } = await deliver(at, BY('restart'))
    expect(said).toBe(saidAfter(6))
    expect(finish).toBeNull()
    expect(error).toBeDefined()
    expect(text.endsWith(DONE)).toBe(true)
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_truncated', target: 'a' } })
  })
  it.each<[string, Script, string]>([
    ['a connection that breaks', cut(6), 'truncated'],
    ['a stream that closes', cut(6, FINISH.slice(0, 20)), 'truncated'],
    ['a terminator without a reason', cut(6, DONE), 'truncated'],
    ['silence', cut(6, 'HANG'), 'timeout'],
    ['an error in band', cut(6, 'data: {"error":{"message":"overloaded","code":529}}\n\n'), 'server'],
    ['too much that is no event', cut(6, ...Array.from({ length: 3 }, () => 'data: {"cho\n\n')), 'truncated'],
  ])('after %s', async (_, script, kind) => {
    const at = world({ a: [script], b: [from(TEXT)] })
    const heard = await deliver(at)
    expect(heard.said).toBe(TEXT)
    expect(roles(heard)).toEqual([`a answer ${kind}`, 'b rescue ok'])
  })
  it('is rescued after any of its tokens, in any of the ways', async () => {
    for (let count = 1; count < words.length; count++) {
      for (const by of ['continue', 'instruct', 'restart'] as const) {
        const sent = saidAfter(count)
        // Told to go on, models may say all of it, or its last words, again.
        const again = by === 'restart' ? TEXT : by === 'continue' ? TEXT.slice(sent.trimEnd().length) : TEXT
        const at = world({ a: [cut(count)], b: [from(again)] }, { prefill: { b: true } })
        const { said, ended } = await deliver(at, BY(by, 'restart'))
        if (by === 'continue' || ended.outcome === 'completed') expect(said, `${by} after ${count}`).toBe(TEXT)
        else expect(said).toBe(sent)
        if (by !== 'continue') expect(ended.outcome, `${by} after ${count}`).toBe('completed')
      }
    }
  })
})

describe('the caller can see it', () => {
  it('in a member of the last pieces that clients pass over, and in the row', async () => {
    const at = world({ a: [cut(6)], b: [from(TEXT)] })
    const heard = await deliver(at, BY('restart'))
    expect(heard.text).toContain(`"signalbox":{"rescued":{"by":"restart","target":"b","behind_chars":${saidAfter(6).length}}}`)
    expect(heard.ended.attempts[1]).toMatchObject({ role: 'rescue', detail: `restart, behind ${saidAfter(6).length} characters` })
  })
  it('keeps the name and the model that its stream began with', async () => {
    const other = whole(TEXT.slice(saidAfter(6).length)).map(step =>
      typeof step === 'string' ? step.replaceAll('"c1"', '"c2"').replaceAll('"model":"m"', '"model":"m2"') : step,
    )
    const at = world({ a: [cut(6)], b: [streams(...other)] }, { prefill: { b: true } })
    const { text } = await deliver(at)
    expect(text).not.toContain('"c2"')
    expect(text).not.toContain('"m2"')
    expect(text.match(/"role":"assistant"/g)).toHaveLength(1)
  })
})

describe('what a rescue costs', () => {
  it('is the sum of both calls, told as an estimate, in the row and to a caller who asked', async () => {
    const text = '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}'
    const at = world({ a: [cut(6)], b: [from(TEXT, USAGE)] })
    const heard = await deliver(at, { ...ALL, text })
    const first = Math.ceil(saidAfter(6).length / 4)
    expect(heard.ended).toMatchObject({ usage_estimated: true, usage: { input_tokens: 11 + 9, output_tokens: first + 4 } })
    expect(heard.ended.attempts.map(({ usage }) => usage?.output_tokens)).toEqual([first, 4])
    expect(heard.text).toContain(`"completion_tokens":${first + 4}`)
    expect(heard.text.match(/"usage":\{/g)).toHaveLength(1)
  })
  it('takes from the tokens that the caller allowed', async () => {
    const text = '{"model":"auto","max_tokens":100,"messages":[{"role":"user","content":"Hello"}],"stream":true}'
    const at = world({ a: [cut(6)], b: [from(TEXT.slice(saidAfter(6).length))] }, { prefill: { b: true } })
    await deliver(at, { ...ALL, text })
    const { body } = at.received[1] ?? {}
    expect(body?.max_tokens ?? body?.max_completion_tokens).toBe(100 - Math.ceil(saidAfter(6).trimEnd().length / 4))
  })
  it('is one call that counts, and the first failure is told of its target at once', async () => {
    const at = world({ a: [cut(6)], b: [streams(ROLE, { wait_ms: 500 }, ...tokens(TEXT), FINISH, DONE)] })
    await deliver(at)
    expect(at.reports.map(({ target, class: kind }) => `${target} ${kind}`)).toEqual(['a truncated', 'b ok'])
    expect((at.reports[1]?.at_ms ?? 0) - (at.reports[0]?.at_ms ?? 0)).toBeGreaterThanOrEqual(500)
  })
})

describe('a rescue has bounds', () => {
  const untouched = async (at: TestWorld, options: CallOptions = ALL) => {
    const { said, ended } = await deliver(at, options)
    expect(ended.outcome).toBe('truncated')
    expect(at.received).toHaveLength(1)
    return said
  }
  it('not without the plan saying so', async () => {
    await untouched(world({ a: [cut(6)], b: [] }), {})
  })
  it('not beyond the calls of the request', async () => {
    await untouched(world({ a: [cut(6)], b: [] }), { plan: { ...ALL.plan, attempts: 1 } })
  })
  it('not beyond the time of the request', async () => {
    const at = world({ a: [cut(6)], b: [{ silent: true }] })
    const { took_ms, ended } = await deliver(at, { plan: { ...ALL.plan, total_ms: 700 } })
    expect(took_ms).toBeLessThanOrEqual(710)
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_truncated' } })
  })
  it('not of more text than the policy lets it', async () => {
    await untouched(world({ a: [cut(6)], b: [] }), { plan: { rescue: { by: ['restart'], text_at_most_tokens: 5 } } })
  })
  it('not a second time: an answer that breaks off again is over', async () => {
    const at = world({ a: [cut(6)], b: [cut(9)], c: [] })
    const { said, ended } = await deliver(at, BY('restart'))
    expect(said).toBe(saidAfter(9))
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_truncated', target: 'a' } })
    expect(ended.attempts.map(({ class: kind }) => kind)).toEqual(['truncated', 'truncated'])
  })
  it.each<[string, string]>([
    [
      'an open call',
      '"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":"{"}}]}}]',
    ],
    ['a thought', '"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]'],
    ['a refusal', '"choices":[{"index":0,"delta":{"refusal":"I"}}]'],
    ['likelihoods', '"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[]}}]'],
    ['a second answer', '"choices":[{"index":1,"delta":{"content":"x"}}]'],
  ])('not across %s', async (_, rest) => {
    await untouched(world({ a: [cut(6, `data: {"id":"c1",${rest}}\n\n`, 'CUT')], b: [] }))
  })
  it('not of what the content was refused for', async () => {
    await untouched(world({ a: [cut(6, 'data: {"error":{"message":"flagged by content policy","code":"content_filter"}}\n\n')], b: [] }))
  })
  it('not behind a reason to end, which is an end', async () => {
    const at = world({ a: [cut(6, FINISH, 'CUT')], b: [] })
    expect((await deliver(at)).ended.outcome).toBe('completed')
  })
  it('does not show the beginning to a target that is to think first', async () => {
    const text = '{"model":"auto","reasoning_effort":"high","messages":[{"role":"user","content":"Hello"}],"stream":true}'
    const at = world({ a: [cut(6)], b: [from(TEXT)] }, { prefill: { b: true } })
    const heard = await deliver(at, { ...BY('continue', 'restart'), text })
    expect(heard.ended.attempts[1]?.detail).toMatch(/^restart/)
  })
})

describe('a rescuer that fails', () => {
  it('by refusing the beginning does not show, and another way is tried', async () => {
    const at = world(
      { a: [cut(6)], b: [replies(refusal('the conversation must end with a user message'), 400), from(TEXT)] },
      { prefill: { b: true } },
    )
    const heard = await deliver(at)
    expect(heard.said).toBe(TEXT)
    expect(roles(heard)).toEqual(['a answer truncated', 'b rescue client', 'b rescue ok'])
    expect(heard.text).not.toContain('user message')
  })
  it('leaves it to the next one of the plan', async () => {
    const at = world({ a: [cut(6)], b: [replies(refusal('busy'), 503)], c: [from(TEXT)] })
    expect(roles(await deliver(at))).toEqual(['a answer truncated', 'b rescue server', 'c rescue ok'])
  })
  it('by answering whole is no rescuer', async () => {
    const at = world({ a: [cut(6)], b: [replies(completion(TEXT))] })
    const heard = await deliver(at, { plan: { ...ALL.plan, attempts: 2 } })
    expect(roles(heard)).toEqual(['a answer truncated', 'b rescue garbage'])
    expect(heard.ended.outcome).toBe('truncated')
  })
  it('is not what the caller is told of', async () => {
    const at = world({ a: [cut(6)], b: [{ refused: true }], c: [replies(refusal('no'), 401)] })
    expect((await deliver(at)).ended).toMatchObject({ status: 200, error: { code: 'upstream_truncated', target: 'a' } })
  })
  it('is the target itself, where the plan has no other', async () => {
    const at = world({ a: [cut(6), from(TEXT)] })
    expect((await deliver(at)).said).toBe(TEXT)
  })
})

describe('a caller who leaves during a rescue', () => {
  it.each(['signal', 'cancel'] as const)('ends it (%s), settled once, and nobody is blamed', async leave => {
    const at = world({ a: [cut(6)], b: [streams({ wait_ms: 400 }, ...tokens(TEXT), FINISH, DONE)] })
    const leaves = new AbortController()
    const carried = await at.clock.run(dispatch(callFor(at, true, { ...ALL, gone: leaves.signal }), at.carrier))
    if (!carried.ok) throw new Error('no answer')
    const { body, ended } = carried.value.release()
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await at.clock.run(reader.read())
    await at.clock.advance(100)
    if (leave === 'signal') leaves.abort()
    else await reader.cancel()
    const end = await at.clock.run(ended)
    expect(end.outcome).toBe('caller_left')
    await at.clock.advance(1_000)
    expect(at.open()).toEqual([])
    expect(at.reports.map(({ target, class: kind }) => `${target} ${kind}`)).toEqual(['a truncated', 'b cancelled'])
  })
})

describe('across formats', () => {
  const FORMATS = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const
  const all = FORMATS.flatMap(caller => FORMATS.flatMap(first => FORMATS.map(second => [caller, first, second] as const)))
  const codec = (name: DialectName) => dialectNamed(name) as Dialect
  const asked: Record<string, string> = {
    'openai-chat': '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true}',
    'openai-responses': '{"model":"auto","input":"Hello","stream":true}',
    'anthropic-messages': '{"model":"auto","max_tokens":500,"messages":[{"role":"user","content":"Hello"}],"stream":true}',
  }
  /** A whole answer in a format, one chunk for each event. */
  const inFormat = (name: DialectName, text: string): string[] => {
    const writer = codec(name).reply.writer()
    const events: StreamEvent[] = [
      { type: 'start', id: `id-${name}`, model: 'm', created_at_s: 1 },
      ...(text.match(/\S+\s*|\s+/g) ?? []).map((piece): StreamEvent => ({ type: 'text', choice: 0, text: piece })),
      { type: 'finish', choice: 0, finish: 'stop', finish_raw: 'stop' },
      { type: 'end' },
    ]
    return events.flatMap(event => writer.write(event).map(written => new TextDecoder().decode(encodeEvents([written]))))
  }
  it.each(all)('a caller of %s, cut at %s, taken up at %s: one text, one end', async (caller, first, second) => {
    const whole = inFormat(first, TEXT)
    const body = inFormat(second, TEXT.slice(TEXT.indexOf(' arrives')))
    const upTo = whole.findIndex(event => event.includes('arrives'))
    const at = world(
      { a: [streams(...whole.slice(0, upTo), 'CUT')], b: [streams(...body)] },
      { dialects: { a: first, b: second }, prefill: { b: true }, codecs: codec },
    )
    const sent = whole.slice(0, upTo)
    const { said, ended, text, finish } = await deliver(at, { ...ALL, dialect: codec(caller), text: asked[caller] as string })
    expect(sent.length).toBeGreaterThan(3)
    expect(ended.outcome).toBe('completed')
    expect(said).toBe(TEXT)
    expect(finish).toBe('stop')
    expect(text).toContain('"signalbox":{"rescued":{"by":"continue"')
    wellFormed(caller, text)
  })
})

/** What clients hold a stream to: numbers that go on, blocks and items that open and close once, and one end. */
function wellFormed(name: DialectName, text: string): void {
  const events: { type?: string; [member: string]: unknown }[] = []
  const parser = sseParser(({ data }) => events.push(data === '[DONE]' ? { type: 'DONE' } : JSON.parse(data)))
  parser.push(new TextEncoder().encode(text))
  parser.end()
  const of = (type: string) => events.filter(event => event.type === type)
  if (name === 'openai-chat') {
    expect(of('DONE')).toHaveLength(1)
    expect(new Set(events.filter(event => event.type !== 'DONE').map(event => event.id)).size).toBe(1)
  }
  if (name === 'anthropic-messages') {
    for (const type of ['message_start', 'content_block_start', 'content_block_stop', 'message_delta', 'message_stop'])
      expect(of(type), type).toHaveLength(1)
    expect(new Set(of('content_block_delta').map(event => event.index))).toEqual(new Set([0]))
  }
  if (name === 'openai-responses') {
    for (const type of ['response.created', 'response.output_item.added', 'response.output_item.done', 'response.completed'])
      expect(of(type), type).toHaveLength(1)
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, i) => i))
    expect(new Set(of('response.output_text.delta').map(event => event.item_id)).size).toBe(1)
    expect(of('response.output_text.done')[0]).toMatchObject({ text: TEXT })
  }
}

it('a whole answer that breaks off is asked for again before anything has left', async () => {
  const at = world({ a: [{ body: ['{"choices":[', 'CUT'] }], b: [replies(completion(TEXT))] })
  const carried = await at.clock.run(dispatch(callFor(at, false, { dialect: openaiChat }), at.carrier))
  expect(carried.ok && carried.value.target.id).toBe('b')
})

describe('a target that should go on from a beginning', () => {
  it('is asked where its provider takes such requests, with what that wants to be told', async () => {
    const at = world({ a: [cut(6)], b: [from(TEXT.slice(saidAfter(6).trimEnd().length))] }, { prefill: { b: true } })
    const provider = at.targets.get('b')?.provider
    if (provider === undefined) throw new Error('no provider')
    provider.chat_path = '/chat/completions'
    provider.prefill_with = { path: '/beta/chat/completions', message: { prefix: true }, body: { thinking: { type: 'disabled' } } }
    const heard = await deliver(at)
    expect(heard.said).toBe(TEXT)
    expect(at.received.map(({ url }) => url)).toEqual([
      'https://provider.test/a/chat/completions',
      'https://provider.test/b/beta/chat/completions',
    ])
    expect(at.received[1]?.body).toMatchObject({
      thinking: { type: 'disabled' },
      messages: [{ role: 'user' }, { role: 'assistant', content: saidAfter(6).trimEnd(), prefix: true }],
    })
  })
  it('and will have none is asked anew at once, before anybody who might break off again', async () => {
    const none = replies(refusal('This model does not support assistant message prefill.'), 400)
    const at = world({ a: [cut(6)], b: [none, from(TEXT)] }, { prefill: { a: true, b: true } })
    const heard = await deliver(at)
    expect(heard.said).toBe(TEXT)
    expect(roles(heard)).toEqual(['a answer truncated', 'b rescue client', 'b rescue ok'])
  })
  it('and is down is left, and the one that broke off asked to go on', async () => {
    const at = world(
      { a: [cut(6), from(TEXT.slice(saidAfter(6).trimEnd().length))], b: [replies(refusal('busy'), 503)] },
      { prefill: { a: true, b: true } },
    )
    const heard = await deliver(at)
    expect(heard.said).toBe(TEXT)
    expect(roles(heard)).toEqual(['a answer truncated', 'b rescue server', 'a rescue ok'])
  })
})
