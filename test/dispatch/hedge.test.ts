import { describe, expect, it } from 'vitest'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import {
  type CallOptions,
  callFor,
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

const HEDGED: CallOptions = { plan: { hedge: { step: 1, after_ms: 200, share: 1 } } }
const says = (text: string, after_ms = 0, ...more: string[]): Script =>
  streams({ wait_ms: after_ms }, ROLE, token(text), FINISH, ...more, DONE)
const ask = '{"model":"auto","messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}'

async function deliver(at: TestWorld, options: CallOptions = HEDGED) {
  const started_ms = at.clock.nowMs()
  const carried = await at.clock.run(dispatch(callFor(at, true, options), at.carrier))
  const first_ms = at.clock.nowMs() - started_ms
  if (!carried.ok) {
    await at.clock.advance(5_000)
    expect(at.open(), 'connections left open').toEqual([])
    return { text: '', ended: carried.error, target: null, first_ms }
  }
  const { body, ended } = carried.value.release()
  const text = await at.clock.run(new Response(body).text())
  const end = await at.clock.run(ended)
  await at.clock.advance(5_000)
  expect(at.open(), 'connections left open').toEqual([])
  expect(at.reports.filter(report => report.class !== 'late').length, 'one report for each call').toBe(at.received.length)
  return { text, ended: end, target: carried.value.target.id, first_ms }
}
const attempts = ({ ended }: Awaited<ReturnType<typeof deliver>>) => ended.attempts.map(each => `${each.target} ${each.role} ${each.class}`)

describe('a first token that is late', () => {
  it('is asked for of a second target, and whoever begins first answers', async () => {
    const at = world({ a: [says('slow', 900)], b: [says('quick', 100)] })
    const heard = await deliver(at)
    expect(heard.text).toContain('quick')
    expect(heard.target).toBe('b')
    expect(heard.first_ms).toBe(300)
    expect(attempts(heard)).toEqual(['a answer cancelled', 'b hedge ok'])
    expect(heard.ended).toMatchObject({ outcome: 'completed', target: 'b', first_token_ms: 300 })
    expect(at.received[0]?.aborted).toBe(true)
  })
  it('tells its target that it was slower than it was waited for, and nothing else', async () => {
    const at = world({ a: [says('slow', 900)], b: [says('quick', 100)] })
    await deliver(at)
    expect(at.reports.map(({ target, class: kind, first_token_ms, waited_ms }) => [target, kind, first_token_ms, waited_ms])).toEqual([
      ['a', 'cancelled', null, 300],
      ['b', 'ok', 100, undefined],
    ])
  })
  it('that comes in time is asked for once', async () => {
    const at = world({ a: [says('first', 150)], b: [] })
    const heard = await deliver(at)
    expect(attempts(heard)).toEqual(['a answer ok'])
    expect(heard.ended.usage_estimated).toBe(true)
  })
  it('and comes after all before the other one answers, and the other is closed', async () => {
    const at = world({ a: [says('first', 250)], b: [says('second', 400)] })
    const heard = await deliver(at)
    expect(heard.text).toContain('first')
    expect(attempts(heard)).toEqual(['b hedge cancelled', 'a answer ok'])
    expect(at.received[1]?.aborted).toBe(true)
  })
  it('is told of as late all the same, whichever is sooner', async () => {
    for (const late_ms of [100, 300]) {
      const at = world({ a: [says('first', 700)], b: [says('second', 600)] })
      const steps = ['a', 'b'].map(target => ({ target, headers_ms: 3_000, first_token_ms: 1_000, idle_ms: 800, late_ms }))
      await deliver(at, { plan: { ...HEDGED.plan, steps } })
      expect(at.reports.filter(report => report.class === 'late')[0]).toMatchObject({ target: 'a' })
    }
  })
})

describe('what a second call costs', () => {
  it('is written down with it: the prompt of the one that was closed, as an estimate', async () => {
    const at = world({ a: [says('slow', 900)], b: [says('quick', 100, USAGE)] })
    const { ended, text } = await deliver(at, { ...HEDGED, text: ask })
    expect(ended.attempts[0]).toMatchObject({
      role: 'answer',
      usage: { input_tokens: 11, output_tokens: 0 },
      detail: 'another call answered first',
    })
    expect(ended).toMatchObject({ usage_estimated: true, usage: { input_tokens: 11 + 9, output_tokens: 4 } })
    // The caller is told what the answer took, not what we spent on waiting less.
    expect(text).toContain('"prompt_tokens":9')
  })
  it('is a share of the requests, and nothing beside it', async () => {
    const at = world({ a: Array.from({ length: 40 }, () => says('slow', 400)), b: Array.from({ length: 40 }, () => says('quick', 10)) })
    for (let n = 0; n < 40; n++)
      await at.clock.run(dispatch(callFor(at, true, { plan: { hedge: { step: 1, after_ms: 200, share: 0.05 } } }), at.carrier))
    expect(at.received.filter(({ target }) => target === 'b')).toHaveLength(2)
  })
  it('is never more calls than the request may make', async () => {
    const at = world({ a: [says('slow', 900)], b: [] })
    expect((await deliver(at, { plan: { ...HEDGED.plan, attempts: 1 } })).target).toBe('a')
  })
})

describe('where one of the two fails', () => {
  it('the first before the second was asked, it is a failover as ever', async () => {
    const at = world({ a: [replies(refusal('busy'), 503)], b: [says('second')] })
    expect(attempts(await deliver(at))).toEqual(['a answer server', 'b answer ok'])
  })
  it('the first after that, the second is waited for', async () => {
    const at = world({ a: [{ headers: {}, status: 503, after_ms: 300, body: [refusal('busy')] }], b: [says('second', 500)] })
    const heard = await deliver(at)
    expect(attempts(heard)).toEqual(['a answer server', 'b hedge ok'])
    expect(heard.first_ms).toBe(700)
  })
  it('the second, the first is waited for', async () => {
    const at = world({ a: [says('first', 500)], b: [replies(refusal('busy'), 503)] })
    expect(attempts(await deliver(at))).toEqual(['b hedge server', 'a answer ok'])
  })
  it('and the other too, the next one of the plan is asked, and neither of them again', async () => {
    const at = world({ a: [{ silent: true }], b: [replies(refusal('busy'), 503)], c: [says('third')] })
    const heard = await deliver(at)
    expect(attempts(heard)).toEqual(['b hedge server', 'a answer timeout', 'c answer ok'])
  })
  it('and the other too, with nobody left, the caller is told of the first that failed', async () => {
    const at = world({ a: [{ silent: true }], b: [replies(refusal('busy'), 503)] })
    expect((await deliver(at)).ended).toMatchObject({ outcome: 'failed', attempts: [{ role: 'hedge' }, { role: 'answer' }] })
  })
})

describe('a caller who leaves while two are asked', () => {
  it('ends both, and blames neither', async () => {
    const at = world({ a: [{ silent: true }], b: [{ silent: true }] })
    const leaves = new AbortController()
    const promise = dispatch(callFor(at, true, { ...HEDGED, gone: leaves.signal }), at.carrier)
    await at.clock.advance(500)
    leaves.abort()
    const carried = await at.clock.run(promise)
    expect(!carried.ok && carried.error.outcome).toBe('caller_left')
    expect(at.reports.map(({ target, class: kind }) => `${target} ${kind}`).sort()).toEqual(['a cancelled', 'b cancelled'])
    expect(at.open()).toEqual([])
  })
})
