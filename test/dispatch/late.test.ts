import { describe, expect, it } from 'vitest'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import { callFor, DONE, FINISH, ROLE, type Script, streams, token, world } from './world.ts'

/** A call whose target is late after 300 ms and given up after a second. */
async function told(script: Script, then: Script = streams(ROLE, token('Hi'), FINISH, DONE)) {
  const at = world({ a: [script], b: [then] })
  const call = callFor(at, true)
  const [first] = call.record.plan.steps
  if (first) first.late_ms = 300
  const carried = await at.clock.run(dispatch(call, at.carrier))
  if (carried.ok) {
    const { body, ended } = carried.value.release()
    await at.clock.run(new Response(body).text())
    await at.clock.run(ended)
  }
  await at.clock.advance(5_000)
  return at.reports.map(({ target, class: kind, at_ms, sent_at_ms }) => [target, kind, at_ms - sent_at_ms])
}
const answerAfter = (after_ms: number): Script => ({ ...streams(ROLE, token('Hi'), FINISH, DONE), after_ms }) as Script

describe('a first token that is overdue', () => {
  it('is told at once, while the call still waits, and taken back when it comes', async () => {
    expect(await told(answerAfter(700))).toEqual([
      ['a', 'late', 300],
      ['a', 'late', 700],
      ['a', 'ok', 700],
    ])
  })
  it('is measured once, by the one that takes it back', async () => {
    const at = world({ a: [answerAfter(700)] })
    const call = callFor(at, true)
    const [first] = call.record.plan.steps
    if (first) first.late_ms = 300
    const carried = await at.clock.run(dispatch(call, at.carrier))
    if (carried.ok) await at.clock.run(new Response(carried.value.release().body).text())
    await at.clock.advance(5_000)
    expect(at.reports.map(each => each.first_token_ms)).toEqual([null, 700, null])
  })
  it('is told of a probe as soon as it is there, as its answer may last for long', async () => {
    const at = world({ a: [answerAfter(200)] })
    const call = callFor(at, true)
    const [first] = call.record.plan.steps
    if (first) first.probe = true
    await at.clock.run(dispatch(call, at.carrier))
    expect(at.reports).toMatchObject([{ class: 'late', probe: true, first_token_ms: 200 }])
  })
  it('is told before the deadline tells it again', async () => {
    expect((await told({ silent: true })).slice(0, 2)).toEqual([
      ['a', 'late', 300],
      ['a', 'timeout', 1_000],
    ])
  })
  it('counts from the moment of sending, also where headers came and then nothing', async () => {
    const silent = await told(streams({ wait_ms: 600 }, ROLE, token('Hi'), FINISH, DONE))
    expect(silent[0]).toEqual(['a', 'late', 300])
  })
  it.each<[string, Script]>([
    ['in time', answerAfter(299)],
    ['refused in time, with another target answering', { status: 503, headers: {}, body: ['{}'] }],
  ])('is not told where it was %s', async (_, script) => {
    expect((await told(script)).map(([, kind]) => kind)).not.toContain('late')
  })
  it('is not told of a stream that has begun and then stalls', async () => {
    expect((await told(streams(ROLE, token('Hi'), { wait_ms: 500 }, FINISH, DONE))).map(([, kind]) => kind)).toEqual(['ok'])
  })
})
