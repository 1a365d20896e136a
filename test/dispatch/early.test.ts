import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../worker/dialects/anthropic-messages/dialect.ts'
import type { Dialect } from '../../worker/dialects/dialect.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { openaiResponses } from '../../worker/dialects/openai-responses/dialect.ts'
import type { Carried, Ended } from '../../worker/dispatch/call.ts'
import { dispatchInTime, type Opened } from '../../worker/dispatch/early.ts'
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
  streams,
  type TestWorld,
  token,
  USAGE,
  world,
} from './world.ts'

const OPEN_MS = 3_000
const BEAT_MS = 10_000
const PLAN = { open_after_ms: OPEN_MS, keep_alive_ms: BEAT_MS, total_ms: 60_000 }
/** Patient enough for the streams below to be opened before anybody answers. */
const PATIENT = { headers_ms: 25_000, first_token_ms: 25_000, idle_ms: 5_000 }
const COMMENT = ': keep-alive\n\n'

const says = ({ target, attempts }: Carried) => ({ 'x-signalbox-target': target.id, 'x-signalbox-attempts': String(attempts) })

const started = (at: TestWorld, options: CallOptions = {}, stream = true) =>
  dispatchInTime(callFor(at, stream, { limits: PATIENT, ...options, plan: { ...PLAN, ...options.plan } }), at.carrier)

type Heard = { text: string; at_ms: number }

/** What comes and when, to a caller who reads all of it. */
function listen(at: TestWorld, body: ReadableStream<Uint8Array>): { heard: Heard[]; done: Promise<void>; leave(): Promise<void> } {
  const heard: Heard[] = []
  const from_ms = at.clock.nowMs()
  const reader = body.getReader()
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      heard.push({ text: new TextDecoder().decode(value), at_ms: at.clock.nowMs() - from_ms })
    }
  }
  return { heard, done: read(), leave: () => reader.cancel() }
}

/** Opened, and read to its end. */
async function openedAnd(at: TestWorld, options: CallOptions = {}): Promise<{ heard: Heard[]; text: string; ended: Ended }> {
  const began_ms = at.clock.nowMs()
  const opened = await at.clock.run(started(at, options))
  if (!opened.ok || opened.value.target !== null) throw new Error('it was not opened')
  expect(at.clock.nowMs() - began_ms).toBe(OPEN_MS)
  const { body, ended } = (opened.value as Opened).release(says)
  const { heard, done } = listen(at, body)
  await at.clock.run(done)
  const end = await at.clock.run(ended)
  await at.clock.advance(5)
  expect(at.open(), 'connections left open').toEqual([])
  return { heard, text: heard.map(({ text }) => text).join(''), ended: end }
}

const slow = (after_ms: number, ...body: Parameters<typeof streams>): Script => ({ ...streams(...body), after_ms })
const down = (after_ms: number): Script => ({ ...replies(refusal('overloaded'), 503), after_ms })
const ANSWER = [ROLE, token('Hi'), token('!'), FINISH, USAGE, DONE]

describe('a stream that nobody has begun to answer', () => {
  it('waits for its headers until the policy says so', async () => {
    const answer = await (async at => at.clock.run(started(at)))(world({ a: [slow(OPEN_MS - 1, ...ANSWER)] }))
    expect(answer.ok && answer.value.target?.id).toBe('a')
  })
  it('is opened then, with a comment, and gets one every so often', async () => {
    const { heard, text } = await openedAnd(world({ a: [slow(24_500, ...ANSWER)] }))
    expect(heard.slice(0, 3)).toEqual([
      { text: COMMENT, at_ms: 0 },
      { text: COMMENT, at_ms: BEAT_MS },
      { text: COMMENT, at_ms: 2 * BEAT_MS },
    ])
    expect(text.slice(3 * COMMENT.length)).toBe(`: x-signalbox-target: a\n: x-signalbox-attempts: 1\n\n${ANSWER.join('')}`)
  })
  it('is opened while a target has sent headers, a role and pings but no token', async () => {
    const { text, ended } = await openedAnd(world({ a: [streams(ROLE, ': ping\n\n', { wait_ms: 9_000 }, token('Hi'), FINISH, DONE)] }))
    expect(text.split(ROLE)).toHaveLength(2)
    expect(text.indexOf('x-signalbox-target: a')).toBeLessThan(text.indexOf(ROLE))
    expect(ended).toMatchObject({ outcome: 'completed', status: 200, first_token_ms: 9_000 })
  })
  it('is not opened without a wait for it in the plan', async () => {
    const at = world({ a: [slow(9_000, ...ANSWER)] })
    const call = callFor(at, true, { limits: PATIENT, plan: { total_ms: 60_000 } })
    const answer = await at.clock.run(dispatchInTime(call, at.carrier))
    expect(answer.ok && answer.value.target?.id).toBe('a')
  })
  it('does not pile up comments for a caller who does not read', async () => {
    const at = world({ a: [slow(24_500, ...ANSWER)] })
    const opened = await at.clock.run(started(at))
    if (!opened.ok || opened.value.target !== null) throw new Error('it was not opened')
    const { body, ended } = (opened.value as Opened).release(says)
    await at.clock.advance(21_000)
    const { heard, done } = listen(at, body)
    await at.clock.run(done)
    await at.clock.run(ended)
    expect(heard.filter(({ text }) => text === COMMENT)).toHaveLength(1)
  })
})

describe('behind a stream that is open already', () => {
  it('a target that fails is still replaced, unseen', async () => {
    const at = world({ a: [down(5_000)], b: [streams(...ANSWER)] })
    const { text, ended } = await openedAnd(at)
    expect(text).toBe(`${COMMENT}: x-signalbox-target: b\n: x-signalbox-attempts: 2\n\n${ANSWER.join('')}`)
    expect(ended).toMatchObject({ outcome: 'completed', target: 'b', status: 200, attempts: [{ class: 'server' }, { class: 'ok' }] })
  })
  it('a silent one is left at its deadline, as ever', async () => {
    const at = world({ a: [{ silent: true }], b: [streams(...ANSWER)] })
    const { ended } = await openedAnd(at, { limits: { ...PATIENT, first_token_ms: 12_000 } })
    expect(ended).toMatchObject({ target: 'b', attempts: [{ class: 'timeout', ended_ms: 12_000 }, { class: 'ok' }] })
  })
  it('what a target held back before it failed is not heard', async () => {
    const at = world({ a: [streams(ROLE, { wait_ms: 5_000 }, 'CUT')], b: [streams(...ANSWER)] })
    const { text } = await openedAnd(at)
    expect(text.split(ROLE)).toHaveLength(2)
  })
  it('a second call for a late first token is made, and it is opened while only that one is left', async () => {
    const at = world({ a: [down(1_000)], b: [slow(9_000, ...ANSWER)] })
    const { ended } = await openedAnd(at, { plan: { hedge: { step: 1, after_ms: 500, share: 1 } } })
    expect(ended).toMatchObject({
      target: 'b',
      attempts: [
        { target: 'a', class: 'server' },
        { target: 'b', role: 'hedge', class: 'ok' },
      ],
    })
  })
  it('an answer that breaks off is taken up by another target', async () => {
    const at = world({
      a: [slow(5_000, ROLE, token('One two three four five six '), { wait_ms: 50 }, 'CUT')],
      b: [streams(ROLE, token('One two three four five six seven'), FINISH, DONE)],
    })
    const { text, ended } = await openedAnd(at, { plan: { rescue: { by: ['restart'], text_at_most_tokens: 1_000 } } })
    expect(text).toContain('"seven"')
    expect(ended).toMatchObject({ outcome: 'completed', attempts: [{ class: 'truncated' }, { role: 'rescue', class: 'ok' }] })
  })
  it('an answer that came whole is told as events', async () => {
    const at = world({ a: [{ ...replies(completion('Hi')), after_ms: 5_000 }] })
    const { text, ended } = await openedAnd(at)
    expect(text).toContain('"content":"Hi"')
    expect(text.endsWith(DONE)).toBe(true)
    expect(ended).toMatchObject({ outcome: 'completed', target: 'a', usage: { output_tokens: 4 } })
  })
})

describe('where nobody answers, the error is in the stream, with the status it would have had', () => {
  const PROMPT: [string, Dialect, string, (text: string) => unknown][] = [
    ['chat completions', openaiChat, '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true}', chatError],
    ['responses', openaiResponses, '{"model":"auto","input":"Hello","stream":true}', eventError],
    [
      'messages',
      anthropicMessages,
      '{"model":"auto","max_tokens":100,"messages":[{"role":"user","content":"Hello"}],"stream":true}',
      eventError,
    ],
  ]
  function chatError(text: string) {
    expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true)
    return JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? '').error
  }
  function eventError(text: string) {
    return JSON.parse(/^event: error\ndata: (.*)$/m.exec(text)?.[1] ?? '').error
  }
  const codecs = (name: string) => (name === 'openai-chat' ? openaiChat : undefined)

  it.each(PROMPT)('in %s, after silence', async (_, dialect, text, errorIn) => {
    const at = world({ a: [{ silent: true }], b: [{ silent: true }] }, { codecs })
    const { text: sent, ended } = await openedAnd(at, { dialect, text })
    expect(sent.startsWith(COMMENT)).toBe(true)
    expect(errorIn(sent)).toMatchObject({ code: 'upstream_silent', status: 504 })
    expect(ended).toMatchObject({
      outcome: 'failed',
      target: null,
      status: 200,
      error: { code: 'upstream_silent' },
      attempts: [{ class: 'timeout' }, { class: 'timeout' }],
    })
  })
  it('in the end of its time', async () => {
    const at = world({ a: [{ silent: true }] })
    const { heard, ended } = await openedAnd(at, { plan: { total_ms: 20_000 } })
    expect(heard.at(-1)?.at_ms).toBe(17_000)
    expect(ended).toMatchObject({ error: { code: 'upstream_silent', phase: 'total' }, total_ms: 20_000 })
  })
})

describe('a caller who leaves while the stream is open and nobody answers', () => {
  const opened = async (at: TestWorld, gone?: AbortSignal) => {
    const answer = await at.clock.run(started(at, gone === undefined ? {} : { gone }))
    if (!answer.ok || answer.value.target !== null) throw new Error('it was not opened')
    return (answer.value as Opened).release(says)
  }
  it('is noticed by the next comment', async () => {
    const at = world({ a: [{ silent: true }], b: [] })
    const { body, ended } = await opened(at)
    const caller = listen(at, body)
    await at.clock.advance(100)
    await caller.leave()
    const left_at_ms = at.clock.nowMs()
    expect(await at.clock.run(ended)).toMatchObject({ outcome: 'caller_left', attempts: [{ target: 'a', class: 'cancelled' }] })
    expect(at.clock.nowMs() - left_at_ms).toBeLessThanOrEqual(BEAT_MS)
    expect(at.received[0]?.aborted).toBe(true)
  })
  it('or at once, where the platform tells', async () => {
    const leaves = new AbortController()
    const at = world({ a: [{ silent: true }], b: [] })
    const { body, ended } = await opened(at, leaves.signal)
    listen(at, body).done.catch(() => {})
    await at.clock.advance(100)
    const left_at_ms = at.clock.nowMs()
    leaves.abort()
    expect(await at.clock.run(ended)).toMatchObject({ outcome: 'caller_left', attempts: [{ class: 'cancelled' }] })
    expect(at.clock.nowMs()).toBe(left_at_ms)
  })
})

describe('a stream that must not be opened after all', () => {
  it('stops the walk, and the caller gets that error', async () => {
    const at = world({ a: [{ silent: true }], b: [] })
    const answer = await at.clock.run(started(at))
    if (!answer.ok || answer.value.target !== null) throw new Error('it was not opened')
    const ended = await at.clock.run(Promise.resolve(answer.value.abandon({ code: 'accounting_unavailable' })))
    expect(ended).toMatchObject({
      outcome: 'failed',
      status: 503,
      error: { code: 'accounting_unavailable' },
      attempts: [{ target: 'a', class: 'cancelled' }],
    })
    expect(at.received[0]?.aborted).toBe(true)
  })
})
