import { describe, expect, it } from 'vitest'
import type { Result } from '../../worker/core/result.ts'
import type { Carried, Ended } from '../../worker/dispatch/call.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import type { Plan } from '../../worker/schema/decision.ts'
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

type Delivered = { status: number; text: string; headers: Record<string, string>; ended: Ended; took_ms: number }

/** Dispatches and delivers to a caller who reads all of it. */
async function deliver(at: TestWorld, stream: boolean, options: CallOptions = {}): Promise<Delivered> {
  const started_ms = at.clock.nowMs()
  const carried: Result<Carried, Ended> = await at.clock.run(dispatch(callFor(at, stream, options), at.carrier))
  if (!carried.ok) {
    expect(at.open(), 'connections left open').toEqual([])
    return { status: carried.error.status, text: '', headers: {}, ended: carried.error, took_ms: at.clock.nowMs() - started_ms }
  }
  const { status, headers, release } = carried.value
  const { body, ended } = release()
  const text = await at.clock.run(new Response(body).text())
  const end = await at.clock.run(ended)
  const took_ms = at.clock.nowMs() - started_ms
  await at.clock.advance(5)
  expect(at.open(), 'connections left open').toEqual([])
  expect(at.reports.length, 'one report for each call').toBe(at.received.length)
  return { status, text, headers, ended: end, took_ms }
}

const classes = (at: TestWorld) => at.reports.map(report => `${report.target} ${report.class}`)
const whole = (text: string) => streams(ROLE, token(text), token('!'), FINISH, DONE)
const OK = replies(completion('Hi'))

describe('an answer', () => {
  const LIMITED = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '59', 'x-ratelimit-reset-requests': '1s' }
  it.each([true, false])('comes with what the target says of its limits, streamed: %s', async stream => {
    const answer = stream
      ? { ...whole('Hi'), headers: { 'content-type': 'text/event-stream', ...LIMITED } }
      : replies(completion('Hi'), 200, LIMITED)
    expect((await deliver(world({ a: [answer as Script] }), stream)).headers).toMatchObject(LIMITED)
  })
  it('comes with nothing else of what the target has in its headers', async () => {
    const { headers } = await deliver(
      world({ a: [replies(completion('Hi'), 200, { 'set-cookie': 'a=b', 'openai-organization': 'secret' })] }),
      false,
    )
    expect(headers).toEqual({ 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
  })
})

describe("a request in the target's own dialect", () => {
  it("is the caller's own text but for the model, unknown fields and number spellings included", async () => {
    const at = world({ a: [OK] })
    await deliver(at, false)
    expect(at.received[0]?.text).toBe(
      '{"model":"a-model","messages":[{"role":"user","content":"Hello"}],"stream":false,"tomorrow":{"x":1.50}}',
    )
  })
  it("carries nothing but content type, credential, agent and the provider's own headers", async () => {
    const at = world({ a: [OK] })
    await deliver(at, false)
    expect(at.received[0]?.headers).toEqual({
      accept: 'application/json',
      authorization: 'Bearer provider-key',
      'content-type': 'application/json',
      'user-agent': 'signalbox',
      'x-provider-header': 'yes',
    })
  })
  it("carries the caller's betas to its own format, and not into another", async () => {
    const at = world({ a: [replies(refusal('down'), 503)], b: [OK] }, { dialects: { a: 'anthropic-messages' } })
    const betas = { 'openai-beta': 'realtime=v1' }
    await deliver(at, false, { betas })
    expect(at.received.map(({ target, headers }) => [target, headers['openai-beta']])).toEqual([
      ['a', undefined],
      ['b', 'realtime=v1'],
    ])
    // What is sent to a target otherwise is shared by all who ask it.
    const next = world({ b: [OK, OK] })
    await deliver(next, false, { betas })
    await deliver(next, false)
    expect(next.received[1]?.headers['openai-beta']).toBeUndefined()
  })
  it("has the target's name for the limit of output and not what it refuses; every other byte is the caller's", async () => {
    const at = world({ a: [OK] }, { parameters: { a: { output_limit_field: 'max_completion_tokens', refuses: ['temperature', 'stop'] } } })
    await deliver(at, false, {
      text: '{"temperature":0, "model":"auto", "max_tokens": 50,"messages" : [{"role":"user","content":"Hello"}], "tomorrow":{"x":1.50}, "stop":"END"}',
    })
    expect(at.received[0]?.text).toBe(
      '{"model":"a-model", "messages" : [{"role":"user","content":"Hello"}], "tomorrow":{"x":1.50},"max_completion_tokens":50}',
    )
  })
  it('goes on to the next target as that one wants it', async () => {
    const at = world(
      { a: [replies(refusal('down'), 503)], b: [OK] },
      { parameters: { a: { output_limit_field: 'max_completion_tokens', refuses: ['temperature'] } } },
    )
    const text = '{"model":"auto","temperature":0,"max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}'
    await deliver(at, false, { text })
    expect(at.received.map(call => Object.keys(call.body))).toEqual([
      ['model', 'messages', 'max_completion_tokens'],
      ['model', 'temperature', 'max_tokens', 'messages'],
    ])
  })
  it('asks for usage only where the target takes the question', async () => {
    const scripts = { a: [streams(ROLE, token('Hi'), FINISH, DONE)] }
    const asks = async (refuses: string[]) => {
      const at = world(scripts, { parameters: { a: { output_limit_field: null, refuses } } })
      await deliver(at, true, { stream_usage: 'always' })
      return at.received[0]?.body.stream_options
    }
    expect(await asks(['seed'])).toEqual({ include_usage: true })
    expect(await asks(['stream_options'])).toBeUndefined()
  })
  it('gets a whole answer back byte for byte', async () => {
    const at = world({ a: [OK] })
    const { text, ended, headers } = await deliver(at, false)
    expect(text).toBe(completion('Hi'))
    expect(headers).toEqual({ 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
    expect(ended).toMatchObject({
      outcome: 'completed',
      status: 200,
      target: 'a',
      finish_reason: 'stop',
      usage_estimated: false,
      error: null,
    })
    expect(ended.usage).toMatchObject({ input_tokens: 9, output_tokens: 4, cache_read_tokens: null })
  })
  it('gets a stream back byte for byte', async () => {
    const at = world({ a: [streams(ROLE, ': note\n\n', token('Hi'), { wait_ms: 300 }, token('!'), FINISH, USAGE, DONE)] })
    const { text, ended } = await deliver(at, true)
    expect(text).toBe(`${ROLE}: note\n\n${token('Hi')}${token('!')}${FINISH}${USAGE}${DONE}`)
    expect(ended).toMatchObject({ outcome: 'completed', target: 'a', finish_reason: 'stop', usage_estimated: false })
    expect(ended.usage.output_tokens).toBe(4)
  })
  it('does not let a byte leave before it is released', async () => {
    const at = world({ a: [streams(ROLE, token('Hi'), { wait_ms: 100 }, FINISH, DONE)] })
    const carried = await at.clock.run(dispatch(callFor(at, true), at.carrier))
    if (!carried.ok) throw new Error('no answer')
    const ended = carried.value.abandon({ code: 'accounting_unavailable' })
    await at.clock.settle()
    expect(ended).toMatchObject({ outcome: 'failed', status: 503, error: { code: 'accounting_unavailable' } })
    expect(at.received[0]?.aborted).toBe(true)
    expect(classes(at)).toEqual(['a cancelled'])
  })
})

describe('an answer between two dialects', () => {
  const between = (script: Script) => world({ a: [script] }, { dialects: { a: 'anthropic-messages' } })
  it('is read and written anew, whole', async () => {
    const { text } = await deliver(between(OK), false)
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion', choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] })
  })
  it('is read and written anew, event by event', async () => {
    const { text, ended } = await deliver(between(whole('Hi')), true)
    expect(text).toContain('"content":"Hi"')
    expect(text.endsWith(DONE)).toBe(true)
    expect(ended.outcome).toBe('completed')
  })
  it("ends with the caller's terminator where the target sent none", async () => {
    const { text } = await deliver(between(streams(token('Hi'), FINISH)), true)
    expect(text.endsWith(DONE)).toBe(true)
  })
  it('tells usage only to a caller who asked', async () => {
    const quiet = await deliver(between(streams(token('Hi'), FINISH, USAGE, DONE)), true)
    expect(quiet.text).not.toContain('"usage"')
    const asked = '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}'
    const told = await deliver(between(streams(token('Hi'), FINISH, USAGE, DONE)), true, { text: asked })
    expect(told.text).toContain('"completion_tokens":4')
    expect(quiet.ended.usage.output_tokens).toBe(4)
  })
  it('is never of a dialect that cannot be written', async () => {
    const at = world({ a: [] }, { dialects: { a: 'gemini' } })
    expect((await deliver(at, false)).ended.error?.code).toBe('upstream_garbage')
  })
})

describe('what went wrong before the first token is not seen by the caller', () => {
  const broken: [name: string, script: Script, expected: string][] = [
    ['a refused connection', { refused: true }, 'a connection'],
    ['silence', { silent: true }, 'a timeout'],
    ['headers, then silence', streams('HANG'), 'a timeout'],
    ['nothing but pings', streams(...Array.from({ length: 40 }, () => [': ping\n\n', { wait_ms: 100 }]).flat()), 'a timeout'],
    ['a role, then a cut', streams(ROLE, 'CUT'), 'a truncated'],
    ['a 503', replies(refusal('busy'), 503), 'a server'],
    ['a 529', replies(refusal('overloaded'), 529), 'a server'],
    ['a 502 with a page', { status: 502, headers: { 'content-type': 'text/html' }, body: ['<html>nginx</html>'] }, 'a server'],
    ['a 401', replies(refusal('bad key sk-abcdefghijkl1'), 401), 'a auth'],
    ['a 404', replies(refusal('no such model'), 404), 'a gone'],
    ['a 402', replies(refusal('pay'), 402), 'a rate'],
    ['a 429 that names no time', replies(refusal('slow down'), 429), 'a rate'],
    ['a 429 for an hour', replies(refusal('slow down'), 429, { 'retry-after': '3600' }), 'a rate'],
    ['a redirect', { status: 307, headers: { location: 'https://elsewhere.test/' }, body: ['moved'] }, 'a server'],
    ['a 204', { status: 204 }, 'a garbage'],
    ['a page', { headers: { 'content-type': 'text/html' }, body: ['<html>Welcome</html>'] }, 'a garbage'],
    ['an empty stream', streams(), 'a garbage'],
    ['a stream of nothing', streams('hello world\n\n'), 'a garbage'],
    ['a terminator alone', streams(ROLE, DONE), 'a garbage'],
    ['an error in band', streams('data: {"error":{"message":"upstream overloaded","code":503}}\n\n', DONE), 'a server'],
    ['too much before the first token', streams(...Array.from({ length: 20 }, () => `: ${'x'.repeat(5_000)}\n\n`)), 'a garbage'],
    ['an error in JSON', replies(refusal('overloaded', 'overloaded_error')), 'a server'],
  ]
  it.each(broken)('%s', async (_, script, expected) => {
    const at = world({ a: [script], b: [whole('Hi')] })
    const { text, ended } = await deliver(at, true)
    expect(text).toBe(`${ROLE}${token('Hi')}${token('!')}${FINISH}${DONE}`)
    expect(classes(at)).toEqual([expected, 'b ok'])
    expect(ended).toMatchObject({ outcome: 'completed', target: 'b' })
    expect(JSON.stringify(ended)).not.toMatch(/sk-[a-z]/)
  })

  it.each<[string, Script, string]>([
    ['an empty body', replies(''), 'a garbage'],
    ['no JSON', replies('{"choices":'), 'a garbage'],
    ['an array', replies('[]'), 'a garbage'],
    ['JSON without an answer', replies('{"ok":true}'), 'a garbage'],
    ['an error in a 200', replies(refusal('internal', 'server_error').replace('"type"', '"status":502,"type"')), 'a server'],
    ['a body that is cut', { body: ['{"choices":[', 'CUT'] }, 'a truncated'],
    ['a body without end', { body: ['{"choices":[', 'HANG'] }, 'a timeout'],
    ['more than 8 MB', { body: Array.from({ length: 130 }, () => new Uint8Array(65_536)) }, 'a garbage'],
  ])('whole answers: %s', async (_, script, expected) => {
    const at = world({ a: [script], b: [OK] })
    expect((await deliver(at, false)).text).toBe(completion('Hi'))
    expect(classes(at)).toEqual([expected, 'b ok'])
  })
})

describe('a target is called again', () => {
  it('after a 500, once, after a random short wait', async () => {
    const at = world({ a: [replies(refusal('oops'), 500), OK], b: [] }, { draw: 0.25 })
    const { took_ms, ended } = await deliver(at, false)
    expect(took_ms).toBe(200)
    expect(ended.attempts.map(each => each.class)).toEqual(['server', 'ok'])
  })
  it('after a 500 no more than once', async () => {
    const at = world({ a: [replies(refusal('oops'), 500), replies(refusal('oops'), 500)], b: [OK] })
    await deliver(at, false)
    expect(classes(at)).toEqual(['a server', 'a server', 'b ok'])
  })
  it('after the wait it asked for, where the policy allows that wait', async () => {
    const at = world({ a: [replies(refusal('slow down'), 429, { 'retry-after': '2' }), OK], b: [] })
    // Never before it, and by the draw up to a tenth later, as others were told the same.
    expect((await deliver(at, false)).took_ms).toBe(2_100)
    expect(at.reports[0]?.retry_after_ms).toBe(2_000)
  })
  it('after a refused connection only where there is no other', async () => {
    const at = world({ a: [{ refused: true }, OK] })
    expect((await deliver(at, false)).ended.outcome).toBe('completed')
  })
  it.each<[string, Script]>([
    ['a 503', replies(refusal('busy'), 503)],
    ['a body that is cut', { body: ['{"choices":[', 'CUT'] }],
    ['a page', { headers: { 'content-type': 'text/html' }, body: ['<html>'] }],
  ])('after %s only where it is the only one, and no other failed at the same', async (_, script) => {
    expect((await deliver(world({ a: [script, OK] }), false)).ended.outcome).toBe('completed')
    const two = world({ a: [script], b: [script] })
    await deliver(two, false)
    expect(two.received).toHaveLength(2)
  })
  it('as often as a share of its requests is, and three times in ten seconds in any case', async () => {
    const at = world(
      { a: Array.from({ length: 40 }, () => replies(refusal('oops'), 500)), b: Array.from({ length: 10 }, () => OK) },
      { draw: 0 },
    )
    const calls: number[] = []
    for (let n = 0; n < 6; n++) {
      await at.clock.run(dispatch(callFor(at, false), at.carrier))
      calls.push(at.received.filter(({ target }) => target === 'a').length)
    }
    expect(calls).toEqual([2, 4, 6, 7, 8, 9])
    await at.clock.advance(10_000)
    await at.clock.run(dispatch(callFor(at, false), at.carrier))
    expect(at.received.filter(({ target }) => target === 'a')).toHaveLength(11)
  })
  it('but not with the last call, where a target is left that has not failed', async () => {
    const at = world({ a: [replies(refusal('x'), 503)], b: [replies(refusal('oops'), 500), OK], c: [OK] })
    await deliver(at, false)
    expect(classes(at)).toEqual(['a server', 'b server', 'c ok'])
  })
  it('never more often than the plan allows, over all targets', async () => {
    const at = world({ a: [replies(refusal('x'), 503)], b: [replies(refusal('x'), 503)], c: [OK] })
    const { ended } = await deliver(at, false, { plan: { attempts: 2 } })
    expect(ended).toMatchObject({ outcome: 'failed', status: 503 })
    expect(at.received.map(call => call.target)).toEqual(['a', 'b'])
  })
})

describe('a fault of the request', () => {
  it('stops at the first target, with its status, code and field', async () => {
    const at = world({ a: [replies('{"error":{"message":"bad temperature","param":"temperature","code":"invalid_value"}}', 422)], b: [] })
    const { ended, status } = await deliver(at, false)
    expect(status).toBe(422)
    expect(ended.error).toMatchObject({ code: 'upstream_rejected', param: 'temperature', upstream_code: 'invalid_value' })
    expect(classes(at)).toEqual(['a client'])
  })
  it('of a fallback does not hide why the fallback was asked', async () => {
    const at = world({ a: [replies(refusal('busy'), 503)], b: [replies(refusal('no such parameter'), 400)] })
    expect((await deliver(at, false)).ended.error).toMatchObject({
      code: 'upstream_unavailable',
      first: { code: 'upstream_failed', target: 'a', status: 503 },
    })
  })
  it('that is its content stops everywhere, with the reason', async () => {
    const at = world({ a: [replies(refusal('flagged by content policy', 'content_policy_violation'), 400)], b: [] })
    const { ended, status } = await deliver(at, false)
    expect(status).toBe(400)
    expect(ended.error).toMatchObject({ code: 'upstream_rejected', upstream_code: 'content_policy_violation' })
  })
  it('that is its length goes only to a target that holds more', async () => {
    const long = replies(refusal('maximum context length is 8192 tokens', 'context_length_exceeded'), 400)
    const context = { a: 8_000, b: 8_000, c: 200_000 }
    const at = world({ a: [long], b: [], c: [OK] }, { context })
    expect((await deliver(at, false)).ended.target).toBe('c')
    const none = world({ a: [long], b: [] }, { context })
    expect((await deliver(none, false)).ended.error).toMatchObject({ upstream_code: 'context_length_exceeded', status: 400 })
  })
})

describe('when nobody answers', () => {
  it('the caller is told what went wrong first', async () => {
    const at = world({ a: [{ refused: true }], b: [replies(refusal('busy'), 503)], c: [replies('')] })
    const { ended } = await deliver(at, false)
    expect(ended).toMatchObject({ status: 502, outcome: 'failed', target: null, error: { code: 'upstream_unreachable', target: 'a' } })
    expect(ended.attempts.map(each => each.class)).toEqual(['connection', 'server', 'garbage'])
  })
  it('because all are rate-limited, the soonest says when to come back', async () => {
    const limited = (seconds: string) => replies(refusal('slow down'), 429, { 'retry-after': seconds })
    const at = world({ a: [limited('90')], b: [limited('40')] })
    const { ended } = await deliver(at, false)
    expect(ended).toMatchObject({ status: 429, error: { code: 'upstream_rate_limited', retry_after_ms: 40_000 } })
  })
  it('because of its limits, it is told what they are, as its format has them', async () => {
    const limited = replies(refusal('slow down'), 429, {
      'retry-after': '90',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '1m30s',
    })
    const { ended } = await deliver(world({ a: [limited] }), false)
    expect(ended.headers).toEqual({ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m30s' })
  })
  it('because it is overloaded for a while, it is told for how long', async () => {
    const overloaded = replies(refusal('overloaded'), 529, { 'retry-after-ms': '2500' })
    const { ended } = await deliver(world({ a: [overloaded, overloaded] }), false)
    expect(ended.error).toMatchObject({ code: 'upstream_unavailable', first: { status: 529 }, retry_after_ms: 2_500 })
  })
  it('within the time of the request, it is over at that time, to the millisecond', async () => {
    const at = world({ a: [{ silent: true }], b: [{ silent: true }], c: [] })
    const { ended, took_ms } = await deliver(at, true, { plan: { total_ms: 1_500 } })
    expect(took_ms).toBe(1_500)
    expect(ended).toMatchObject({ status: 504, error: { code: 'upstream_silent', phase: 'total' } })
  })
  it('no wait for a retry goes beyond that time', async () => {
    const at = world({ a: [replies(refusal('x'), 429, { 'retry-after': '2' })] })
    expect((await deliver(at, false, { plan: { total_ms: 1_000 } })).took_ms).toBe(0)
  })
  it('a target that has been switched off is passed over', async () => {
    const at = world({ a: [], b: [OK] })
    at.targets.delete('a')
    const call = callFor(at, false)
    call.record.plan.steps = ['a', 'b'].map(target => ({ target, headers_ms: 3_000, first_token_ms: 3_000, idle_ms: 800 }))
    const carried = await at.clock.run(dispatch(call, at.carrier))
    expect(carried.ok && carried.value.target.id).toBe('b')
  })
})

describe('a stream after its first token', () => {
  const begun = `${token('Hi')}`
  it.each<[string, Script, string, string]>([
    ['cut', streams(begun, 'CUT'), 'truncated', 'upstream_truncated'],
    ['closed in the middle', streams(begun), 'truncated', 'upstream_truncated'],
    ['closed in the middle of an event', streams(begun, token('x').slice(0, 50)), 'truncated', 'upstream_truncated'],
    ['with a terminator and no reason', streams(begun, DONE), 'truncated', 'upstream_truncated'],
    ['silent too long', streams(begun, { wait_ms: 5_000 }, FINISH, DONE), 'timeout', 'upstream_silent'],
    [
      'with an error in band',
      streams(begun, 'data: {"error":{"message":"overloaded sk-abcdefghijkl1","code":529}}\n\n', DONE),
      'server',
      'upstream_failed',
    ],
    [
      'with one bad event too many',
      streams(begun, ...Array.from({ length: 3 }, () => 'data: {"cho\n\n'), FINISH, DONE),
      'truncated',
      'upstream_truncated',
    ],
  ])("%s ends in an error that the caller's client understands", async (_, script, expected, code) => {
    const at = world({ a: [script], b: [] })
    const { text, ended } = await deliver(at, true)
    expect(text.startsWith(begun)).toBe(true)
    const events = text.slice(begun.length).split('\n\n')
    expect(JSON.parse((events[0] ?? '').replace('data: ', ''))).toMatchObject({ error: { code } })
    expect(events.slice(1)).toEqual(['data: [DONE]', ''])
    expect(text).not.toMatch(/sk-[a-z]/)
    expect(ended).toMatchObject({ outcome: 'truncated', status: 200, target: 'a', error: { code } })
    expect(classes(at)).toEqual([`a ${expected}`])
  })
  it.each<[string, Script, string]>([
    ['without a terminator, which is added', streams(begun, FINISH), `${begun}${FINISH}${DONE}`],
    ['with its usage after the reason to end', streams(begun, FINISH, USAGE), `${begun}${FINISH}${USAGE}${DONE}`],
    ['and a connection held open', streams(begun, FINISH, 'HANG'), `${begun}${FINISH}${DONE}`],
    ['and cut only then', streams(begun, FINISH, 'CUT'), `${begun}${FINISH}${DONE}`],
    ['with one bad event in it, which is left out', streams(begun, 'data: {"cho\n\n', FINISH, DONE), `${begun}${FINISH}${DONE}`],
    ['with talk after the terminator, which is left out', streams(begun, FINISH, DONE, token('more'), DONE), `${begun}${FINISH}${DONE}`],
    ['whose last blank line is missing, which is added', streams(begun, FINISH, DONE.trimEnd()), `${begun}${FINISH}${DONE}`],
  ])('that ended for a reason is complete: %s', async (_, script, expected) => {
    const at = world({ a: [script] })
    const { text, ended } = await deliver(at, true)
    expect(text).toBe(expected)
    expect(ended).toMatchObject({ outcome: 'completed', error: null, finish_reason: 'stop' })
    expect(classes(at)).toEqual(['a ok'])
  })
  it('of several answers is complete only with its terminator', async () => {
    const two = '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true,"n":2}'
    const at = world({ a: [streams(begun, FINISH)] })
    expect((await deliver(at, true, { text: two })).ended.outcome).toBe('truncated')
  })
  it('has its own end behind the one of the request', async () => {
    const at = world({ a: [streams(...Array.from({ length: 40 }, () => [token('x'), { wait_ms: 500 }]).flat())] })
    const { ended, took_ms } = await deliver(at, true, { plan: { total_ms: 4_200 } })
    expect(took_ms).toBe(4_200)
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_silent', phase: 'total' } })
  })
  it('cut into single bytes is the same stream', async () => {
    const text = `${ROLE}${token('Grüße 🚂')}${FINISH}${DONE}`
    const bytes = [...new TextEncoder().encode(text)].map(byte => Uint8Array.of(byte))
    const at = world({ a: [streams(...bytes)] })
    expect((await deliver(at, true)).text).toBe(text)
  })
})

describe('a request that ends without content', () => {
  it('but with a reason is an answer, and no evidence against the target', async () => {
    const at = world({ a: [streams(ROLE, FINISH, DONE)], b: [] })
    const { text, ended } = await deliver(at, true)
    expect(text).toBe(`${ROLE}${FINISH}${DONE}`)
    expect(ended).toMatchObject({ outcome: 'completed', target: 'a', first_token_ms: null })
    expect(classes(at)).toEqual(['a ok'])
  })
})

describe('an answer in the other form than asked', () => {
  it('JSON for a stream is told as a stream', async () => {
    const { text, headers, ended } = await deliver(world({ a: [OK] }), true)
    expect(headers['content-type']).toMatch('text/event-stream')
    expect(text).toContain('"content":"Hi"')
    expect(text).toContain('"finish_reason":"stop"')
    expect(text).not.toContain('"usage"')
    expect(text.endsWith(DONE)).toBe(true)
    expect(ended.usage.output_tokens).toBe(4)
  })
  it('a stream for JSON is gathered', async () => {
    const { text, headers, ended } = await deliver(world({ a: [streams(ROLE, token('Hi'), token('!'), FINISH, USAGE, DONE)] }), false)
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(text)).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'Hi!' }, finish_reason: 'stop' }],
      usage: { completion_tokens: 4 },
    })
    expect(ended.usage.output_tokens).toBe(4)
  })
  it('a cut stream for JSON is no answer', async () => {
    const at = world({ a: [streams(ROLE, token('Hi'))], b: [OK] })
    await deliver(at, false)
    expect(classes(at)).toEqual(['a truncated', 'b ok'])
  })
})

describe('usage that the caller did not ask for', () => {
  const script = () => streams(ROLE, token('Hi'), FINISH, USAGE, DONE)
  it('is asked of the target and taken out of the answer again, where the policy wants it', async () => {
    const at = world({ a: [script()] })
    const { text, ended } = await deliver(at, true, { stream_usage: 'always' })
    expect(at.received[0]?.text).toBe(
      '{"model":"a-model","messages":[{"role":"user","content":"Hello"}],"stream":true,"tomorrow":{"x":1.50},"stream_options":{"include_usage":true}}',
    )
    expect(text).toBe(`${ROLE}${token('Hi')}${FINISH}${DONE}`)
    expect(ended).toMatchObject({ usage: { output_tokens: 4 }, usage_estimated: false })
  })
  it('is left in where the caller asked', async () => {
    const at = world({ a: [script()] })
    const text = '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}'
    expect((await deliver(at, true, { stream_usage: 'always', text })).text).toContain(USAGE)
  })
  it('is estimated from what was seen where the target gives none', async () => {
    const at = world({ a: [streams(token('x'.repeat(399)), token('x'), FINISH, DONE)] })
    const { ended } = await deliver(at, true)
    expect(ended).toMatchObject({ usage_estimated: true, usage: { input_tokens: 11, output_tokens: 100, cache_read_tokens: null } })
    expect(ended.attempts[0]?.usage?.output_tokens).toBe(100)
  })
})

describe('a caller who goes away', () => {
  it('before there is an answer ends the call to the target', async () => {
    const at = world({ a: [{ silent: true }], b: [] })
    const leaves = new AbortController()
    const promise = dispatch(callFor(at, true, { gone: leaves.signal }), at.carrier)
    await at.clock.advance(100)
    leaves.abort()
    const carried = await at.clock.run(promise)
    expect(carried.ok).toBe(false)
    if (!carried.ok) expect(carried.error).toMatchObject({ outcome: 'caller_left', status: 499, error: { code: 'caller_left' } })
    expect(at.received[0]?.aborted).toBe(true)
    expect(classes(at)).toEqual(['a cancelled'])
  })
  it('during the wait for a retry is not called for again', async () => {
    const at = world({ a: [replies(refusal('slow'), 429, { 'retry-after': '2' })] })
    const leaves = new AbortController()
    const promise = dispatch(callFor(at, true, { gone: leaves.signal }), at.carrier)
    await at.clock.advance(500)
    leaves.abort()
    const carried = await at.clock.run(promise)
    expect(!carried.ok && carried.error.outcome).toBe('caller_left')
  })

  async function midStream(script: Script, leave: 'signal' | 'cancel', after_ms = 150) {
    const at = world({ a: [script] })
    const leaves = new AbortController()
    const carried = await at.clock.run(dispatch(callFor(at, true, { gone: leaves.signal }), at.carrier))
    if (!carried.ok) throw new Error('no answer')
    const { body, ended } = carried.value.release()
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await at.clock.run(reader.read())
    await at.clock.advance(after_ms)
    if (leave === 'signal') leaves.abort()
    else await reader.cancel()
    return { at, end: await at.clock.run(ended) }
  }
  it.each(['signal', 'cancel'] as const)('in the middle (%s) ends the call and is settled once with what was seen', async leave => {
    const { at, end } = await midStream(
      streams(token('Hi, you'), ...Array.from({ length: 50 }, () => [{ wait_ms: 100 }, token('x')]).flat()),
      leave,
    )
    expect(end).toMatchObject({ outcome: 'caller_left', target: 'a', usage_estimated: true })
    await at.clock.settle()
    expect(at.received[0]?.aborted).toBe(true)
    expect(classes(at)).toEqual(['a cancelled'])
  })
  it.each(['signal', 'cancel'] as const)('after the end (%s) has had the whole answer', async leave => {
    const { at, end } = await midStream(streams(token('Hi'), FINISH, DONE), leave)
    expect(end.outcome).toBe('completed')
    expect(classes(at)).toEqual(['a ok'])
  })
})

describe('a silent stream', () => {
  const KEPT: CallOptions = { plan: { keep_alive_ms: 300, total_ms: 60_000 }, limits: { idle_ms: 5_000 } }
  it('is kept alive between its events, as often as the policy says, and the target has no longer for it', async () => {
    const at = world({ a: [streams(ROLE, token('Hi'), { wait_ms: 1_000 }, token('!'), FINISH, DONE)] })
    const { text, ended } = await deliver(at, true, KEPT)
    const comment = ': keep-alive\n\n'
    expect(text).toBe(`${ROLE}${token('Hi')}${comment.repeat(3)}${token('!')}${FINISH}${DONE}`)
    expect(ended.outcome).toBe('completed')
    const silent = world({ a: [streams(token('Hi'), 'HANG')] })
    expect((await deliver(silent, true, KEPT)).took_ms).toBe(5_000)
  })
  it('that says something in time gets nothing', async () => {
    const at = world({ a: [streams(...Array.from({ length: 9 }, () => [token('x'), { wait_ms: 290 }]).flat(), FINISH, DONE)] })
    expect((await deliver(at, true, KEPT)).text).not.toContain('keep-alive')
  })
  it('is kept alive while somebody is looked for who takes it up', async () => {
    const rescue = { by: ['restart' as const], text_at_most_tokens: 100 }
    const at = world({ a: [streams(token('Hi'), 'CUT')], b: [streams({ wait_ms: 700 }, token('Hi'), token('!'), FINISH, DONE)] })
    const { text, ended } = await deliver(at, true, { plan: { ...KEPT.plan, rescue } })
    expect(text.match(/: keep-alive/g)).toHaveLength(2)
    expect(ended.outcome).toBe('completed')
  })
  it('is not where the policy does not want it', async () => {
    const at = world({ a: [streams(token('Hi'), { wait_ms: 4_000 }, FINISH, DONE)] })
    expect((await deliver(at, true, { limits: { idle_ms: 5_000 } })).text).not.toContain('keep-alive')
  })
})

describe('a caller who goes away where the policy lets the rest be read', () => {
  const words = (count: number) => Array.from({ length: count }, () => [{ wait_ms: 100 }, token('word word ')]).flat()
  async function left(script: Script, plan: Partial<Plan>, expected_output_tokens: number, billed = false) {
    const at = world({ a: [script] })
    const target = at.targets.get('a')
    if (billed && target) target.provider.bills_after_abort = true
    const call = callFor(at, true, { plan })
    call.record.features.expected_output_tokens = expected_output_tokens
    const carried = await at.clock.run(dispatch(call, at.carrier))
    if (!carried.ok) throw new Error('no answer')
    const { body, ended } = carried.value.release()
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await at.clock.run(reader.read())
    await at.clock.advance(500)
    const left_ms = at.clock.nowMs()
    await reader.cancel()
    const end = await at.clock.run(ended)
    await at.clock.settle()
    expect(at.open()).toEqual([])
    expect(classes(at)).toEqual(['a cancelled'])
    return { at, end, took_ms: at.clock.nowMs() - left_ms }
  }
  it('is settled with the counts at the end', async () => {
    const { at, end, took_ms } = await left(streams(token('Hi'), ...words(10), FINISH, USAGE, DONE), { drain_ms: 2_000 }, 30)
    expect(end).toMatchObject({ outcome: 'caller_left', usage: { output_tokens: 4 }, usage_estimated: false, finish_reason: 'stop' })
    expect(took_ms).toBeGreaterThan(300)
    expect(at.received[0]?.aborted).toBe(false)
  })
  it('closes the connection when the time is up', async () => {
    const { at, end, took_ms } = await left(streams(token('Hi'), ...words(500), FINISH, DONE), { drain_ms: 2_000, total_ms: 100_000 }, 30)
    expect(took_ms).toBeLessThan(2_200)
    expect(at.received[0]?.aborted).toBe(true)
    expect(end).toMatchObject({ outcome: 'caller_left', usage_estimated: true })
    expect(end.usage.output_tokens).toBeGreaterThan(50)
  })
  it.each<[string, Script, Partial<Plan>, number]>([
    ['at once where too much is left', streams(token('Hi'), ...words(50), FINISH, DONE), { drain_ms: 2_000 }, 5_000],
    ['at once where the policy says nothing', streams(token('Hi'), ...words(50), FINISH, DONE), {}, 10],
  ])('closes it %s', async (_, script, plan, expected) => {
    const { at, took_ms } = await left(script, plan, expected)
    expect(took_ms).toBeLessThan(300)
    expect(at.received[0]?.aborted).toBe(true)
  })
  it('is settled with what was seen where the connection breaks meanwhile', async () => {
    const { end } = await left(streams(token('Hi'), ...words(8), 'CUT'), { drain_ms: 2_000 }, 30)
    expect(end).toMatchObject({ outcome: 'caller_left', usage_estimated: true })
  })
  it('costs what was expected of the answer, where it is made to its end all the same', async () => {
    const { end } = await left(streams(token('Hi'), ...words(50), FINISH, DONE), {}, 700, true)
    expect(end).toMatchObject({ usage: { output_tokens: 700 }, usage_estimated: true })
  })
})

describe('a caller who reads slowly', () => {
  it('makes the target wait, with a bounded number of bytes between', async () => {
    let sent = 0
    const piece = new TextEncoder().encode(token('x'.repeat(1_000)))
    const steps = Array.from({ length: 2_000 }, () => piece)
    const counting = new Proxy(steps, {
      get(list, key) {
        if (typeof key === 'string' && /^\d+$/.test(key)) sent = Math.max(sent, Number(key) + 1)
        return Reflect.get(list, key)
      },
    })
    const stuck = world({ a: [{ headers: { 'content-type': 'text/event-stream' }, body: counting }] })
    const carried = await stuck.clock.run(dispatch(callFor(stuck, true), stuck.carrier))
    if (!carried.ok) throw new Error('no answer')
    const { body, ended } = carried.value.release()
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await stuck.clock.advance(5_000)
    expect(sent * piece.length).toBeLessThan(256 * 1024)
    expect(sent).toBeGreaterThan(20)
    await reader.cancel()
    expect((await stuck.clock.run(ended)).outcome).toBe('caller_left')
  })
})

describe('every call is recorded and reported once', () => {
  it('with when it was sent, when it began to answer and how fast', async () => {
    const tokens = Array.from({ length: 11 }, () => [{ wait_ms: 100 }, token('word word word word ')]).flat()
    const at = world({
      a: [replies(refusal('busy'), 503)],
      b: [
        {
          headers: { 'content-type': 'text/event-stream' },
          after_ms: 40,
          body: [ROLE, ...tokens, FINISH, USAGE.replace('"completion_tokens":4', '"completion_tokens":11'), DONE],
        },
      ],
    })
    const { ended } = await deliver(at, true)
    expect(ended.attempts).toMatchObject([
      { target: 'a', role: 'answer', class: 'server', status: 503, headers_ms: 0, first_token_ms: null, probe: false },
      { target: 'b', class: 'ok', status: 200, headers_ms: 40, first_token_ms: 140, ended_ms: 1_140 },
    ])
    expect(at.reports[1]).toMatchObject({ first_token_ms: 140, tokens_per_second: 10, size: 's', org: 'acme' })
    expect(ended).toMatchObject({ first_token_ms: 140, total_ms: 1_140 })
  })
})
