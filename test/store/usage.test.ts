import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { BudgetAnswer } from '../../worker/schema/usage.ts'
import { AccountingUnavailable, FLIGHT_LIMIT_MS, intend, settle } from '../../worker/store/usage.ts'
import type { Batch } from '../../worker/store/usage-batch.ts'
import { backgroundWork, emptyStorage, intent, limitedBy, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const { ctx, behind } = backgroundWork()
const error = (message: string, marks: { retryable?: boolean; overloaded?: boolean } = {}) => Object.assign(new Error(message), marks)

/** The real object behind a stub that keeps what is sent, and for which the first calls can be made to end otherwise. */
function watched(...faults: ('hang' | 'lost answer' | Error)[]) {
  const batches: Batch[] = []
  const commit = (name: string) => async (batch: Batch) => {
    batches.push(batch)
    const fault = faults.shift()
    if (fault instanceof Error) throw fault
    if (fault === 'hang') return new Promise<BudgetAnswer[]>(() => undefined)
    const answers = await env.USAGE.getByName(name).commit(batch)
    return fault === 'lost answer' ? Promise.reject(error('Network connection lost', { retryable: true })) : answers
  }
  return { batches, env: { USAGE: { getByName: (name: string) => ({ commit: commit(name) }) } as unknown as Env['USAGE'] } }
}
const rows = async () => (await env.DB.prepare('SELECT decision_id, outcome FROM usage').all()).results
const flushed = (org: string) => runDurableObjectAlarm(env.USAGE.getByName(org))
const underWay = async (org: string) => (await env.USAGE.getByName(org).status()).under_way

/** A clock of our own over an object that answers at once: `pass` lets time go by, from one wait's end to the next. */
function onItsOwnClock() {
  const batches: { at_ms: number; intents: number; settlements: number }[] = []
  const waits: { at_ms: number; end: () => void }[] = []
  const began_at_ms = Date.now()
  let now_ms = began_at_ms
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now_ms)
  const timer = vi
    .spyOn(scheduler, 'wait')
    .mockImplementation(wait_ms => new Promise(resolve => waits.push({ at_ms: now_ms + Number(wait_ms), end: () => resolve(undefined) })))
  const commit = async ({ intents, settlements }: Batch) => {
    batches.push({ at_ms: now_ms - began_at_ms, intents: intents.length, settlements: settlements.length })
    return intents.map(() => ({ ok: true }))
  }
  const everythingReady = () => new Promise(resolve => setTimeout(resolve))
  async function pass(ms: number) {
    const until_ms = now_ms + ms
    for (;;) {
      await everythingReady()
      const next = waits.sort((a, b) => a.at_ms - b.at_ms)[0]
      if (next === undefined || next.at_ms > until_ms) break
      waits.shift()
      now_ms = Math.max(now_ms, next.at_ms)
      next.end()
    }
    now_ms = until_ms
  }
  const restore = () => [clock, timer].map(spy => spy.mockRestore())
  return { batches, pass, restore, env: { USAGE: { getByName: () => ({ commit }) } as unknown as Env['USAGE'] } }
}

describe('while requests come', () => {
  const org = newOrg()
  it('a settlement goes with the next intent and costs no call of its own, until none comes for 30 ms', async () => {
    const { batches, pass, restore, env: quiet } = onItsOwnClock()
    const [first, second] = [intent({ org }), intent({ org })]
    try {
      settle(quiet, ctx, settlement(first))
      await pass(20)
      const durable = intend(quiet, ctx, second)()
      await pass(1)
      expect(await durable).toEqual({ ok: true })
      settle(quiet, ctx, settlement(second))
      await pass(29)
      expect(batches).toEqual([{ at_ms: 20, intents: 1, settlements: 1 }])
      await pass(1)
      expect(batches[1]).toEqual({ at_ms: 51, intents: 0, settlements: 1 })
      await pass(10_000)
      expect(batches).toHaveLength(2)
    } finally {
      restore()
    }
  })

  it('an intent has its whole wait for company, though another one’s wait ends', async () => {
    const { batches, pass, restore, env: quiet } = onItsOwnClock()
    try {
      const first = intend(quiet, ctx, intent({ org }))
      await pass(10)
      void first()
      await pass(10)
      intend(quiet, ctx, intent({ org }))
      await pass(24)
      expect(batches.map(({ at_ms }) => at_ms)).toEqual([10])
      await pass(1)
      expect(batches.map(({ at_ms }) => at_ms)).toEqual([10, 45])
      await pass(10_000)
    } finally {
      restore()
    }
  })
})

describe('an intent', () => {
  it('is durable when its promise resolves', async () => {
    const org = newOrg()
    expect(await intend(env, ctx, intent({ org }))()).toEqual({ ok: true })
    expect(await underWay(org)).toBe(1)
  })

  it('is refused where a hard budget has nothing left', async () => {
    const org = newOrg()
    const limited = limitedBy({ window: 'day', limit_micros: 100, kind: 'hard' })
    expect(await intend(env, ctx, intent({ org, limited, reserved_micros: 101 }))()).toMatchObject({ ok: false, code: 'budget_exhausted' })
  })

  it('shares a call with those that came while another was under way', async () => {
    const org = newOrg()
    const usage = watched()
    const answers = await Promise.all(Array.from({ length: 20 }, () => intend(usage.env, ctx, intent({ org }))()))
    expect(answers.every(answer => answer.ok)).toBe(true)
    expect(usage.batches.map(batch => batch.intents.length)).toEqual([1, 19])
    expect(await underWay(org)).toBe(20)
  })

  it('waits for company until one is asked for, and then all go together', async () => {
    const org = newOrg()
    const usage = watched()
    const durable = Array.from({ length: 5 }, () => intend(usage.env, ctx, intent({ org })))
    expect(usage.batches).toHaveLength(0)
    expect(await durable[2]?.()).toEqual({ ok: true })
    expect(usage.batches.map(batch => batch.intents.length)).toEqual([5])
    expect(await Promise.all(durable.map(ask => ask()))).toEqual(Array(5).fill({ ok: true }))
    expect(usage.batches).toHaveLength(1)
  })

  it('leaves within a moment even if nobody asks, so that it is durable while the target still thinks', async () => {
    const org = newOrg()
    intend(env, ctx, intent({ org }))
    await behind()
    expect(await underWay(org)).toBe(1)
  })

  it('shares no call with another organisation', async () => {
    const usage = watched()
    await Promise.all([intend(usage.env, ctx, intent({ org: newOrg() }))(), intend(usage.env, ctx, intent({ org: newOrg() }))()])
    expect(usage.batches).toHaveLength(2)
  })
})

describe('a settlement', () => {
  it('rides along with the next intent', async () => {
    const org = newOrg()
    const usage = watched()
    const [one, two] = [intent({ org }), intent({ org })]
    await intend(usage.env, ctx, one)()
    settle(usage.env, ctx, settlement(one))
    await intend(usage.env, ctx, two)()
    expect(usage.batches[1]).toMatchObject({ intents: [{ decision_id: two.decision_id }], settlements: [{ decision_id: one.decision_id }] })
  })

  it('goes alone after a short wait, when no intent comes', async () => {
    const org = newOrg()
    const one = intent({ org })
    await intend(env, ctx, one)()
    settle(env, ctx, settlement(one))
    await behind()
    await flushed(org)
    expect(await rows()).toEqual([{ decision_id: one.decision_id, outcome: 'completed' }])
  })

  it('takes its intent along where nobody knows whether that arrived', async () => {
    const org = newOrg()
    const usage = watched(error('overloaded', { overloaded: true }))
    const one = intent({ org })
    await expect(intend(usage.env, ctx, one)).rejects.toThrow(AccountingUnavailable)
    settle(usage.env, ctx, settlement(one, { outcome: 'failed' }))
    await behind()
    await flushed(org)
    expect(await rows()).toEqual([{ decision_id: one.decision_id, outcome: 'failed' }])
  })

  it('is sent again after a call that failed, and counts once', async () => {
    const org = newOrg()
    const one = intent({ org })
    await intend(env, ctx, one)()
    settle(watched('lost answer').env, ctx, settlement(one))
    await behind()
    await flushed(org)
    expect(await rows()).toHaveLength(1)
    expect(await env.USAGE.getByName(org).status()).toMatchObject({ under_way: 0 })
  })
})

describe('when the object', () => {
  it('was moved under a call, all on board try once more and are known already', async () => {
    const org = newOrg()
    const usage = watched('lost answer')
    const [one] = await Promise.all([intend(usage.env, ctx, intent({ org }))(), intend(usage.env, ctx, intent({ org }))()])
    expect(one.ok).toBe(true)
    expect(await underWay(org)).toBe(2)
  })

  it('fails twice, the request is refused', async () => {
    const lost = () => error('Network connection lost', { retryable: true })
    await expect(intend(watched(lost(), lost()).env, ctx, intent({ org: newOrg() }))()).rejects.toThrow(AccountingUnavailable)
  })

  it('has too much to do, it is not asked again', async () => {
    const usage = watched(error('Durable Object is overloaded', { overloaded: true, retryable: true }))
    await expect(intend(usage.env, ctx, intent({ org: newOrg() }))()).rejects.toThrow(AccountingUnavailable)
    expect(usage.batches).toHaveLength(1)
  })

  it('refuses a batch for one bad row, the others are taken', async () => {
    const org = newOrg()
    const bad = intent({ org, expires_at_ms: Number.NaN })
    const first = intend(env, ctx, intent({ org }))()
    const outcomes = await Promise.allSettled([
      first,
      intend(env, ctx, intent({ org }))(),
      intend(env, ctx, bad)(),
      intend(env, ctx, intent({ org }))(),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await underWay(org)).toBe(3)
  })

  it('hangs, nobody waits longer than two tries', async () => {
    const org = newOrg()
    const started_at_ms = Date.now()
    const usage = watched('hang', 'hang', 'hang')
    const outcomes = await Promise.allSettled([intend(usage.env, ctx, intent({ org }))(), intend(usage.env, ctx, intent({ org }))()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(Date.now() - started_at_ms).toBeLessThan(2 * FLIGHT_LIMIT_MS + 500)
  })

  it('hangs with settlements on board, they go with a later call', async () => {
    const org = newOrg()
    const [one, two] = [intent({ org }), intent({ org })]
    const usage = watched()
    await intend(usage.env, ctx, one)()
    settle(usage.env, ctx, settlement(one))
    await intend(watched('hang').env, ctx, two)()
    await behind()
    await flushed(org)
    expect(await rows()).toEqual([{ decision_id: one.decision_id, outcome: 'completed' }])
  })

  it('hangs once, the second try takes everyone', async () => {
    const org = newOrg()
    const usage = watched('hang')
    const answers = await Promise.all([intend(usage.env, ctx, intent({ org }))(), intend(usage.env, ctx, intent({ org }))()])
    expect(answers.map(answer => answer.ok)).toEqual([true, true])
  })
})
