import { describe, expect, it } from 'vitest'
import { guard } from '../../worker/stream/guard.ts'
import { virtualClock } from '../dispatch/clock.ts'

const never = new Promise<never>(() => {})
const under = (total_ms: number) => {
  const clock = virtualClock()
  const leaves = new AbortController()
  return { clock, leaves, watch: guard(clock, leaves.signal, clock.nowMs(), total_ms) }
}

describe('a wait under guard', () => {
  it('gives what it waited for', async () => {
    const { clock, watch } = under(1_000)
    expect(await clock.run(watch.wait(clock.sleep(10).then(() => 7)))).toEqual({ done: true, value: 7 })
  })
  it('passes a rejection through', async () => {
    const { clock, watch } = under(1_000)
    await expect(clock.run(watch.wait(Promise.reject(new Error('broken'))))).rejects.toThrow('broken')
  })
  it('ends at its deadline, to the millisecond, and says which', async () => {
    const { clock, watch } = under(1_000)
    watch.allow('headers', 300)
    const waited = clock.run(watch.wait(never))
    expect(await waited).toEqual({ done: false, interruption: { by: 'clock', phase: 'headers', limit_ms: 300 } })
    expect(clock.nowMs()).toBe(1_000_300)
  })
  it('never outlasts the whole, and then names the whole', async () => {
    const { clock, watch } = under(1_000)
    watch.allow('idle', 5_000)
    expect(await clock.run(watch.wait(never))).toMatchObject({ interruption: { phase: 'total', limit_ms: 1_000 } })
    expect(clock.nowMs()).toBe(1_001_000)
  })
  it('ends when the caller leaves, and every later wait at once', async () => {
    const { clock, watch, leaves } = under(1_000)
    const first = watch.wait(never)
    await clock.advance(5)
    leaves.abort()
    expect(await clock.run(first)).toEqual({ done: false, interruption: { by: 'caller' } })
    expect(await clock.run(watch.wait(never))).toEqual({ done: false, interruption: { by: 'caller' } })
    expect(watch.left()).toBe(true)
  })
})

describe('a deadline that moves', () => {
  it('away costs no timer', async () => {
    const { clock, watch } = under(100_000)
    let interrupted = 0
    watch.allow('idle', 1_000)
    watch.watch(() => interrupted++)
    for (let event = 0; event < 50; event++) {
      watch.allow('idle', 1_000)
      expect(clock.sleeping).toBe(1)
      await clock.advance(900)
    }
    expect(interrupted).toBe(0)
    await clock.advance(100)
    expect(interrupted).toBe(1)
  })
  it('nearer is kept', async () => {
    const { clock, watch } = under(100_000)
    const heard: string[] = []
    watch.watch(interruption => heard.push(interruption.by === 'clock' ? interruption.phase : 'caller'))
    watch.allow('headers', 50_000)
    watch.allow('first_token', 10)
    expect(clock.sleeping).toBe(1)
    await clock.advance(10)
    expect(heard).toEqual(['first_token'])
    await clock.advance(60_000)
    expect(heard).toEqual(['first_token'])
  })
  it('is gone with the guard', async () => {
    const { clock, watch, leaves } = under(1_000)
    watch.watch(() => {
      throw new Error('heard')
    })
    watch.stop()
    expect(clock.sleeping).toBe(0)
    leaves.abort()
    await clock.advance(2_000)
  })
})
