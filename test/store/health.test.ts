import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { relayName } from '../../worker/core/health/relays.ts'
import { REPORT_AT, SNAPSHOT_FRESH_MS } from '../../worker/core/health/view.ts'
import type { Plan } from '../../worker/schema/decision.ts'
import type { HealthReply, HealthReport, NearbyHealth, Outcome } from '../../worker/schema/health.ts'
import { healthView } from '../../worker/store/health.ts'
import type { HealthObject } from '../../worker/store/health-object.ts'
import type { Nearby } from '../../worker/store/nearby.ts'
import { backgroundWork, emptyStorage, newId } from './fixture.ts'

const TARGET = 'openai/gpt-5'

beforeEach(emptyStorage)

function outcome(changes: Partial<Outcome> = {}): Outcome {
  return {
    target: TARGET,
    class: 'ok',
    decision_id: newId(),
    org: newId(),
    size: 's',
    sent_at_ms: Date.now(),
    at_ms: Date.now(),
    first_token_ms: 200,
    tokens_per_second: 50,
    retry_after_ms: null,
    probe: false,
    ...changes,
  }
}
const failures = (count: number) => Array.from({ length: count }, () => outcome({ class: 'server', first_token_ms: null }))

describe('the health object', () => {
  const object = () => env.HEALTH.getByName('all')
  let seq = 0
  const report = (outcomes: Outcome[], changes: Partial<HealthReport> = {}) => {
    seq += 1
    return object().report({ v: 1, isolate: 'a', seq, outcomes, wants_probe: [], ...changes })
  }
  const stateOf = ({ snapshot }: HealthReply) => snapshot.targets[TARGET]?.state

  it('answers a report with the health of every target it has heard of', async () => {
    const { snapshot } = await report([outcome(), outcome({ target: 'mistral/large' })])
    expect(Object.keys(snapshot.targets)).toEqual([TARGET, 'mistral/large'])
    expect(snapshot.targets[TARGET]).toMatchObject({ state: 'closed', samples: 1 })
    expect(snapshot.taken_at_ms).toBeGreaterThan(Date.now() - 10_000)
  })

  it('counts a report that is repeated once', async () => {
    const twice = { isolate: 'b', seq: 7 }
    await report([outcome()], twice)
    expect((await report([outcome()], twice)).snapshot.targets[TARGET]?.samples).toBe(1)
    expect((await report([outcome()], { isolate: 'b', seq: 8 })).snapshot.targets[TARGET]?.samples).toBe(2)
  })

  it('opens a target that fails, and keeps it open through an eviction', async () => {
    const open = await report(failures(10))
    expect(stateOf(open)).toBe('open')
    await evictDurableObject(object())
    const after = await report([])
    expect(after.snapshot.targets[TARGET]).toMatchObject({ state: 'open', until_ms: open.snapshot.targets[TARGET]?.until_ms })
  })

  it('writes transitions to storage, and not every answer', async () => {
    await report([outcome(), outcome(), outcome()])
    const stored = () =>
      runInDurableObject(object(), (_: HealthObject, state) => state.storage.sql.exec('SELECT target FROM gates').toArray())
    expect(await stored()).toEqual([])
    await report(failures(10))
    expect(await stored()).toEqual([{ target: TARGET }])
  })

  it('grants one probe at a time, once the wait is over', async () => {
    const open = await report(failures(10))
    const asking = { wants_probe: [TARGET] }
    expect((await report([], asking)).probes).toEqual([])
    vi.setSystemTime((open.snapshot.targets[TARGET]?.until_ms ?? 0) + 1)
    try {
      expect((await report([], asking)).probes).toEqual([TARGET])
      expect((await report([], { ...asking, isolate: 'other' })).probes).toEqual([])
      await evictDurableObject(object())
      expect((await report([], asking)).probes).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('keeps a target isolated by hand until it is restored by hand, through an eviction and whatever it answers', async () => {
    await object().isolate(TARGET)
    await evictDurableObject(object())
    expect(stateOf(await report([outcome(), outcome(), outcome()]))).toBe('isolated')
    expect((await object().restore(TARGET)).targets[TARGET]?.state).toBe('ramp')
  })

  it('grants no probe of a target it never heard of', async () => {
    expect((await report([], { wants_probe: ['nobody/knows'] })).probes).toEqual([])
  })
})

describe('the objects of several regions', () => {
  const of = (region: string) => env.HEALTH.getByName(region)
  let seq = 0
  const told = async (region: string, outcomes: Outcome[] = []) => {
    const from = seq
    seq += outcomes.length
    return of(region).report({ v: 1, isolate: `in-${region}`, region, seq, from, outcomes, wants_probe: [] })
  }
  /** Each asks the others once in five seconds, behind a report. */
  const afterExchange = async (region: string) => {
    vi.setSystemTime(Date.now() + 6_000)
    await told(region)
    await scheduler.wait(50)
    return (await told(region)).snapshot.targets[TARGET]
  }
  afterEach(() => {
    vi.useRealTimers()
  })

  it('know a target apart: what fails in one is not shut in the other', async () => {
    await told('eu', failures(10))
    expect((await told('eu')).snapshot.targets[TARGET]?.state).toBe('open')
    expect((await afterExchange('oc'))?.state ?? 'closed').toBe('closed')
  })
  it('tell each other of a credential that is refused', async () => {
    await told('eu', [outcome({ class: 'auth', first_token_ms: null })])
    await afterExchange('eu')
    expect((await afterExchange('oc'))?.auth_broken_until_ms).toBeGreaterThan(Date.now())
  })
  it('all hear what an operator says, and that it was taken back', async () => {
    await told('eu', [outcome()])
    await of('all').isolate(TARGET)
    expect((await afterExchange('eu'))?.state).toBe('isolated')
    await of('all').restore(TARGET)
    expect((await afterExchange('eu'))?.state).toBe('ramp')
  })
  it('answer as ever while the one for everywhere is away', async () => {
    const answered = await told('eu', [outcome()])
    expect(answered.snapshot.targets[TARGET]).toMatchObject({ samples: 1 })
  })
})

describe('a relay of a region', () => {
  const head = () => env.HEALTH.getByName('eu')
  let seq = 0
  const told = (relay: number, outcomes: Outcome[], changes: Partial<HealthReport> = {}) => {
    seq += 1
    const report = { v: 1 as const, isolate: `of-${seq}`, region: 'eu', seq, from: 0, outcomes, wants_probe: [], ...changes }
    return env.HEALTH.getByName(relayName('eu', relay)).relay(report)
  }
  const stateOf = ({ snapshot }: HealthReply) => snapshot.targets[TARGET]?.state

  it('answers with what the region’s object knows', async () => {
    await head().report({ v: 1, isolate: 'direct', region: 'eu', seq: 1, from: 0, outcomes: failures(10), wants_probe: [] })
    expect(stateOf(await told(0, []))).toBe('open')
  })
  it('passes failures on before it answers, so that those of several relays add up', async () => {
    for (let i = 0; i < 4; i++) expect(stateOf(await told(i % 2, failures(1)))).toBeDefined()
    expect(stateOf(await told(1, failures(1)))).toBe('open')
    expect((await head().snapshot()).targets[TARGET]?.state).toBe('open')
    expect(stateOf(await told(3, []))).toBe('open')
  })
  it('hands out the one lease there is', async () => {
    const open = await told(0, failures(10))
    vi.setSystemTime((open.snapshot.targets[TARGET]?.until_ms ?? 0) + 1)
    try {
      const asking = { wants_probe: [TARGET] }
      expect((await told(0, [], asking)).probes).toEqual([TARGET])
      expect((await told(0, [], asking)).probes).toEqual([])
      expect((await told(1, [], asking)).probes).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })
  it('keeps no gates of its own', async () => {
    await told(0, failures(10))
    const rows = (name: string) =>
      runInDurableObject(env.HEALTH.getByName(name), (_: HealthObject, state) =>
        state.storage.sql.exec('SELECT target FROM gates').toArray(),
      )
    expect([await rows(relayName('eu', 0)), await rows('eu')]).toEqual([[], [{ target: TARGET }]])
  })
  it('begins anew after an eviction without counting anything twice', async () => {
    await told(0, [outcome(), outcome()])
    await evictDurableObject(env.HEALTH.getByName(relayName('eu', 0)))
    await told(0, failures(1))
    expect((await head().snapshot()).targets[TARGET]?.samples).toBe(3)
  })
})

describe('an isolate’s view', () => {
  const { ctx, behind, forget, left } = backgroundWork()
  beforeEach(() => {
    forget()
  })

  /** The real object, with the reports that reach it kept, and out of reach while `down`. */
  const watched = () => {
    const seen: HealthReport[] = []
    const health = {
      seen,
      down: false,
      env: {
        HEALTH: {
          getByName: (name: string) => ({
            report: (report: HealthReport) => {
              seen.push(report)
              return health.down ? Promise.reject(new Error('the object is away')) : env.HEALTH.getByName(name).report(report)
            },
          }),
        } as unknown as Env['HEALTH'],
      },
    }
    return health
  }

  it('asks the object of the region where its first request came from, and stays with it', async () => {
    const asked: string[] = []
    const getByName = (name: string) => {
      asked.push(name)
      return env.HEALTH.getByName(name)
    }
    const named = { HEALTH: { getByName } as unknown as Env['HEALTH'] }
    const view = healthView(named)
    view.locate({ cf: { continent: 'EU' } })
    view.locate({ cf: { continent: 'OC' } })
    view.snapshot(Date.now(), ctx)
    await behind()
    expect(asked).toEqual(['eu'])
  })

  it('tells a relay where the object says that there are some, always the same one', async () => {
    const asked: string[] = []
    const relays = { count: 8, since_ms: 5 }
    const reply = async (): Promise<HealthReply> => ({ v: 1, snapshot: { v: 1, taken_at_ms: Date.now(), targets: {} }, probes: [], relays })
    const getByName = (name: string) => {
      asked.push(name)
      return { report: reply, relay: reply }
    }
    const view = healthView({ HEALTH: { getByName } as unknown as Env['HEALTH'] })
    view.locate({ cf: { continent: 'EU' } })
    for (let i = 0; i < 3; i++) {
      view.report(outcome({ class: 'server' }), ctx)
      await behind()
    }
    expect(asked[0]).toBe('eu')
    expect(asked[1]).toMatch(/^eu#[0-7]$/)
    expect(asked[2]).toBe(asked[1])
  })

  describe('with others in its data centre', () => {
    const kept = (): Nearby & { left: NearbyHealth | null } => {
      const nearby: Nearby & { left: NearbyHealth | null } = {
        left: null,
        look: async () => nearby.left,
        leave: async (_, health) => {
          nearby.left = health
        },
        at: () => {},
      }
      return nearby
    }
    it('asks nobody where one of them has just asked', async () => {
      const [health, nearby] = [watched(), kept()]
      const [first, second] = [healthView(health.env, nearby), healthView(health.env, nearby)]
      for (const failed of failures(10)) first.report(failed, ctx)
      await behind()
      const before = health.seen.length
      await second.refreshed(Date.now(), ctx)
      expect(second.snapshot(Date.now(), ctx).targets[TARGET]?.state).toBe('open')
      expect(health.seen).toHaveLength(before)
    })
    it('asks the object where it finds nothing there, within the same wait', async () => {
      const health = watched()
      const view = healthView(health.env, kept())
      await view.refreshed(Date.now(), ctx)
      expect(health.seen).toHaveLength(1)
      expect(view.snapshot(Date.now(), ctx).taken_at_ms).toBeGreaterThan(0)
    })
    it('leaves nothing there of who asked', async () => {
      const nearby = kept()
      const view = healthView(env, nearby)
      view.report(outcome({ class: 'server', org: 'acme-secret', decision_id: 'dec_secret' }), ctx)
      await behind()
      expect(Object.keys(nearby.left?.snapshot.targets ?? {})).toEqual([TARGET])
      expect(JSON.stringify(nearby.left)).not.toContain('secret')
    })
  })

  it('knows nothing at first, and asks behind the first request', async () => {
    const view = healthView(env)
    expect(view.snapshot(Date.now(), ctx)).toMatchObject({ taken_at_ms: 0, targets: {} })
    await behind()
    expect(view.snapshot(Date.now(), ctx).taken_at_ms).toBeGreaterThan(0)
  })

  it('asks again only when it is two seconds old', async () => {
    const health = watched()
    const view = healthView(health.env)
    view.snapshot(Date.now(), ctx)
    await behind()
    const fetched_at_ms = Date.now()
    view.snapshot(fetched_at_ms + SNAPSHOT_FRESH_MS - 500, ctx)
    expect(left()).toBe(0)
    view.snapshot(fetched_at_ms + SNAPSHOT_FRESH_MS + 500, ctx)
    await behind()
    expect(health.seen).toHaveLength(2)
  })

  it('has a request wait for news when there were none for two seconds, and no longer than 80 ms', async () => {
    const health = watched()
    const view = healthView(health.env)
    await view.refreshed(Date.now(), ctx)
    expect(view.snapshot(Date.now(), ctx).taken_at_ms).toBeGreaterThan(0)
    expect(view.refreshed(Date.now(), ctx)).toBeNull()
    await behind()
    const hanging = { HEALTH: { getByName: () => ({ report: () => new Promise(() => {}) }) } as unknown as Env['HEALTH'] }
    const started_ms = Date.now()
    await healthView(hanging).refreshed(started_ms, { waitUntil: () => {} })
    expect(Date.now() - started_ms).toBeLessThan(1_000)
  })

  it('tells a failure at once', async () => {
    const health = watched()
    healthView(health.env).report(outcome({ class: 'server' }), ctx)
    expect(health.seen).toMatchObject([{ v: 1, seq: 1, outcomes: [{ class: 'server' }] }])
    await behind()
  })

  it('lets answers wait for company, up to fifty', async () => {
    const health = watched()
    const view = healthView(health.env)
    for (let i = 1; i < REPORT_AT; i++) view.report(outcome(), ctx)
    expect(health.seen).toHaveLength(0)
    view.report(outcome(), ctx)
    expect(health.seen[0]?.outcomes).toHaveLength(REPORT_AT)
    await behind()
  })

  it('sends what came up during a report with the next one, numbered on', async () => {
    const health = watched()
    const view = healthView(health.env)
    for (let i = 0; i < 5; i++) view.report(outcome({ class: 'server' }), ctx)
    await behind()
    expect(health.seen.map(({ seq, outcomes }) => [seq, outcomes.length])).toEqual([
      [1, 1],
      [2, 4],
    ])
  })

  it('sees its own failures before the fleet has answered', () => {
    const view = healthView(watched().env)
    for (const failed of failures(10)) view.report(failed, ctx)
    expect(view.snapshot(Date.now() + 1, ctx).targets[TARGET]?.state).toBe('open')
  })

  it('learns from others', async () => {
    const [one, other] = [healthView(env), healthView(env)]
    for (const failed of failures(10)) one.report(failed, ctx)
    await behind()
    other.snapshot(Date.now(), ctx)
    await behind()
    expect(other.snapshot(Date.now(), ctx).targets[TARGET]?.state).toBe('open')
  })

  describe('of an open target whose wait is over', () => {
    const waited = async (view: ReturnType<typeof healthView>) => {
      for (const failed of failures(10)) view.report(failed, ctx)
      await behind()
      vi.setSystemTime((view.snapshot(Date.now(), ctx).targets[TARGET]?.until_ms ?? 0) + 1)
      await behind()
    }
    const probing = { steps: [{ target: TARGET, probe: true }] } as unknown as Plan

    it('asks for a probe, and shows it until a request takes it', async () => {
      try {
        const view = healthView(env)
        await waited(view)
        view.snapshot(Date.now(), ctx)
        await behind()
        expect(view.probes(Date.now())).toEqual(new Set([TARGET]))
        view.took(probing)
        expect(view.probes(Date.now())).toEqual(new Set())
      } finally {
        vi.useRealTimers()
      }
    })

    it('shows it in one isolate only', async () => {
      try {
        const [one, other] = [healthView(env), healthView(env)]
        await waited(one)
        for (const view of [one, other]) view.snapshot(Date.now(), ctx)
        await behind()
        for (const view of [one, other]) view.snapshot(Date.now() + 1, ctx)
        await behind()
        expect([...one.probes(Date.now()), ...other.probes(Date.now())]).toEqual([TARGET])
      } finally {
        vi.useRealTimers()
      }
    })
  })

  describe('while the object is out of reach', () => {
    it('goes by its own experience, and says that it does', async () => {
      const health = watched()
      health.down = true
      const view = healthView(health.env)
      for (const failed of failures(10)) view.report(failed, ctx)
      await behind()
      expect(view.snapshot(Date.now() + 1, ctx).targets[TARGET]?.state).toBe('open')
      expect(view.reachable()).toBe(false)
    })

    it('gives itself one probe at a time', async () => {
      const health = watched()
      health.down = true
      const view = healthView(health.env)
      for (const failed of failures(10)) view.report(failed, ctx)
      await behind()
      const until_ms = view.snapshot(Date.now(), ctx).targets[TARGET]?.until_ms ?? 0
      view.snapshot(until_ms, ctx)
      expect(view.probes(until_ms)).toEqual(new Set([TARGET]))
      view.took({ steps: [{ target: TARGET, probe: true }] } as unknown as Plan)
      view.snapshot(until_ms + 2_000, ctx)
      expect(view.probes(until_ms + 2_000)).toEqual(new Set())
      await behind()
    })

    it('keeps what it could not tell, and tells it afterwards', async () => {
      const health = watched()
      health.down = true
      const view = healthView(health.env)
      view.report(outcome({ class: 'server' }), ctx)
      await behind()
      health.down = false
      view.snapshot(Date.now() + 5_000, ctx)
      await behind()
      expect(health.seen.at(-1)?.outcomes).toHaveLength(1)
      expect(view.reachable()).toBe(true)
    })
  })
})
