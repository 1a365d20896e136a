/**
 * Any order of events against a model of three lines: each request that was taken has one row, as it was settled or else as an
 * orphan; the object's sum is the rows' sum; and once D1 works, all of it is there within minutes and the object goes to sleep.
 *
 * The events: requests begin and end, late and twice; the alarm fires; D1 writes, fails before it wrote, fails after it wrote, or hangs
 * and writes later or never; the process is killed at any of these points, with D1 still asked; the alarm gets lost. Time and D1's answers are moved
 * by the test, so that whatever comes between a question to D1 and its answer does come between them.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Intent } from '../../worker/schema/usage.ts'
import { ORG_ACCOUNT } from '../../worker/store/usage-accounts.ts'
import { UsageObject } from '../../worker/store/usage-object.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)
afterEach(() => vi.useRealTimers())

type Fault = 'none' | 'before' | 'after' | 'hang' | 'hang_then_write'
type Event =
  | { do: 'begin'; settled_at_once: boolean }
  | { do: 'settle'; which: number; unsure?: boolean }
  | { do: 'repeat'; which: number }
  | { do: 'pass'; ms: number }
  | { do: 'alarm' }
  | { do: 'answer'; fault: Fault }
  | { do: 'kill'; alarm_lost: boolean; wrote: boolean }

const FAULT = fc.constantFrom<Fault>('none', 'none', 'before', 'after', 'hang', 'hang_then_write')
const EVENT: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), settled_at_once: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(30), unsure: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 600, 5_000, 40_000, 70_000) }) },
  { weight: 4, arbitrary: fc.constant({ do: 'alarm' as const }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('answer' as const), fault: FAULT }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), alarm_lost: fc.boolean(), wrote: fc.boolean() }) },
)

/** Longer than a question to D1 may take. */
const HANG_MS = 16_000
/** Requests whose isolate says nothing become orphans after this. */
const LIFE_MS = 30_000
/** The longest wait after failures is a minute, of a row that stands aside as of the whole. */
const DRAINED_WITHIN_MS = 15 * 60_000
const SWEPT_EVERY_MS = 6 * 60_000

type Asked = { work: () => Promise<unknown>; answer: (result: unknown) => void; fail: (error: Error) => void }

/** One object's life: the real one on real storage, with a D1 that answers when it is told to, and the platform's alarm. */
class World {
  readonly org = newOrg()
  readonly began: { intent: Intent; cost_micros: number | null }[] = []
  alarms = 0
  #state: DurableObjectState
  #object!: UsageObject
  #asked: Asked[] = []
  #running: Promise<void> | null = null
  /** From now on D1 answers by itself. */
  #healthy = false
  /** Of this object's lives: what an earlier one waits for is nothing to a later one. */
  #life = 0

  constructor(state: DurableObjectState) {
    this.#state = state
    this.#begin()
  }

  #begin(): void {
    const life = ++this.#life
    this.#asked = []
    this.#running = null
    const batch = (statements: D1PreparedStatement[]) => {
      const work = () => env.DB.batch(statements)
      if (this.#healthy && life === this.#life) return work()
      return new Promise((answer, fail) => this.#asked.push({ work, answer, fail }))
    }
    const DB = { prepare: (sql: string) => env.DB.prepare(sql), batch } as unknown as D1Database
    this.#object = new UsageObject(this.#state, { ...env, DB })
  }

  async run(event: Event): Promise<void> {
    const { org } = this
    if (event.do === 'begin') {
      const one = intent({ org, at_ms: Date.now(), expires_at_ms: Date.now() + LIFE_MS })
      this.#object.commit(batchOf([one], event.settled_at_once ? [settlement(one)] : []))
      this.began.push({ intent: one, cost_micros: event.settled_at_once ? 250 : null })
    } else if (event.do === 'settle' || event.do === 'repeat') {
      const some = this.began.filter(({ cost_micros }) => (cost_micros === null) === (event.do === 'settle'))
      const one = some[event.which % some.length]
      if (!one) return
      one.cost_micros ??= 100 + event.which
      // An isolate that got no answer says both, for as long as it lives.
      const settled = settlement(one.intent, { cost_micros: one.cost_micros })
      this.#object.commit(batchOf(event.do === 'repeat' || event.unsure ? [one.intent] : [], [settled]))
    } else if (event.do === 'pass') await vi.advanceTimersByTimeAsync(event.ms)
    else if (event.do === 'alarm') await this.#fire()
    else if (event.do === 'answer') await this.#answer(event.fault)
    else {
      const inAlarm = this.#running !== null
      for (const { work } of this.#asked) if (event.wrote) await work().catch(() => undefined)
      if (event.alarm_lost) await this.#state.storage.deleteAlarm()
      // The platform repeats an alarm whose process died under it.
      else if (inAlarm) await this.#state.storage.setAlarm(Date.now())
      this.#begin()
    }
  }

  /** As the platform does: when it is due, once at a time, and forgotten when it begins. */
  async #fire(): Promise<boolean> {
    const at_ms = await this.#state.storage.getAlarm()
    if (this.#running || at_ms === null || at_ms > Date.now()) return false
    await this.#state.storage.deleteAlarm()
    this.alarms += 1
    this.#running = this.#object.alarm()
    const mine = this.#running
    void mine.then(() => {
      if (this.#running === mine) this.#running = null
    })
    await turns()
    return true
  }

  async #answer(fault: Fault): Promise<void> {
    const asked = this.#asked.shift()
    if (!asked) return
    const { work, answer, fail } = asked
    if (fault === 'before') fail(new Error('D1_ERROR: before it wrote'))
    else if (fault.startsWith('hang')) {
      await vi.advanceTimersByTimeAsync(HANG_MS)
      if (fault === 'hang_then_write') await work().catch(() => undefined)
    } else {
      const result = await work().catch((error: Error) => error)
      if (fault === 'after' || result instanceof Error) fail(new Error('D1_ERROR: after it wrote'))
      else answer(result)
    }
    await turns()
  }

  /** D1 works from now on, requests end or are orphaned, and the sweep comes by as it does. How long until there is nothing left to do. */
  async rest(): Promise<number> {
    const from_ms = Date.now()
    this.#healthy = true
    let swept_at_ms = from_ms
    for (;;) {
      for (const { work, answer, fail } of this.#asked.splice(0)) await work().then(answer, fail)
      await this.#running
      const { under_way, unflushed, set_aside } = await this.#object.status()
      if (under_way + unflushed + set_aside === 0 || Date.now() - from_ms > DRAINED_WITHIN_MS) return Date.now() - from_ms
      if (await this.#fire()) continue
      const at_ms = await this.#state.storage.getAlarm()
      const next_ms = Math.min(at_ms ?? Number.POSITIVE_INFINITY, swept_at_ms + SWEPT_EVERY_MS)
      await vi.advanceTimersByTimeAsync(Math.max(1, next_ms - Date.now()))
      if (Date.now() - swept_at_ms < SWEPT_EVERY_MS) continue
      swept_at_ms = Date.now()
      await this.#object.kick()
    }
  }

  /** Alarms from here until there is none set, and whether that came within two days. */
  async sleep(): Promise<{ alarms: number; asleep: boolean; kept: unknown }> {
    const before = this.alarms
    // An alarm that got lost after the last row: the sweep still has the object on its list.
    await this.#object.kick()
    const until_ms = Date.now() + 2 * 86_400_000
    while (this.alarms - before < 1_000) {
      const at_ms = await this.#state.storage.getAlarm()
      if (at_ms === null || at_ms > until_ms) break
      vi.setSystemTime(Math.max(Date.now(), at_ms))
      await this.#fire()
      await this.#running
    }
    const kept = this.#state.storage.sql
      .exec(
        'SELECT (SELECT count(*) FROM intents) + (SELECT count(*) FROM settlements) + (SELECT count(*) FROM stuck) + (SELECT count(*) FROM doubts) AS kept',
      )
      .one().kept
    return { alarms: this.alarms - before, asleep: (await this.#state.storage.getAlarm()) === null, kept }
  }

  status() {
    return this.#object.status()
  }

  spentMicros(): number | undefined {
    return this.#object.ledgers([ORG_ACCOUNT])[0]?.month.spent_micros
  }
}

/** What was asked of D1 or of storage has been taken up. */
const turns = () => vi.advanceTimersByTimeAsync(0)

type Row = { decision_id: string; outcome: string; cost_micros: number; paged: number }
const ROWS = `SELECT decision_id, outcome, cost_micros,
  EXISTS (SELECT 1 FROM decision_pages WHERE id = page AND records->decision_id IS NOT NULL) AS paged FROM usage WHERE org = ?`

/** Ahead of the true time, so that no alarm fires by itself. */
const START_MS = Date.now() + 3_600_000

/** A world that the test lives through, on storage of its own. */
async function live(through: (world: World) => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: START_MS })
  await runInDurableObject(env.USAGE.getByName(newOrg()), async (_: UsageObject, state) => {
    await through(new World(state))
    await state.storage.deleteAll()
  })
}

const BEGUN: Event = { do: 'begin', settled_at_once: false }
const DONE: Event = { do: 'begin', settled_at_once: true }
const ALARM: Event = { do: 'alarm' }
const pass = (ms: number): Event => ({ do: 'pass', ms })
const answer = (fault: Fault): Event => ({ do: 'answer', fault })

describe('a usage object whose D1', () => {
  it.each<[string, Event[], { unflushed: number; set_aside: number }]>([
    [
      'writes, and loses its word of that, asks what is there and is content',
      [answer('after'), answer('none')],
      { unflushed: 0, set_aside: 0 },
    ],
    ['hangs, and wrote all the same, likewise', [answer('hang_then_write'), answer('none')], { unflushed: 0, set_aside: 0 }],
    [
      'fails and then does not write anything else either, waits and blames no row',
      [answer('before'), answer('before')],
      { unflushed: 1, set_aside: 0 },
    ],
    ['fails, and writes something else, sets the row aside', [answer('before'), answer('none')], { unflushed: 0, set_aside: 1 }],
  ])('%s', async (_, answers, expected) => {
    await live(async world => {
      for (const event of [DONE, pass(600), ALARM, ...answers]) await world.run(event)
      expect(await world.status()).toMatchObject(expected)
    })
  })

  it('fails six writes in six for an hour blames no row, and tries every minute', async () => {
    await live(async world => {
      await world.run(DONE)
      for (let minute = 0; minute < 60; minute++)
        for (const event of [pass(60_000), ALARM, answer('before'), answer('before')]) await world.run(event)
      expect(world.alarms).toBe(60)
      expect(await world.status()).toMatchObject({ unflushed: 1, set_aside: 0, given_up: 0 })
      expect(await world.rest()).toBeLessThanOrEqual(60_000)
    })
  })

  it.each<[string, Event[]]>([
    ['has the row', [pass(600), ALARM, answer('none')]],
    ['has the row and loses its word of that', [pass(600), ALARM, answer('after'), answer('none')]],
    ['was away, and the row is still on its way', [pass(600), ALARM, answer('before'), answer('before')]],
  ])('%s, is no reason to count a request twice that is said again after its object forgot it', async (_, events) => {
    await live(async world => {
      for (const event of [DONE, ...events, pass(70_000), ALARM, pass(70_000), ALARM]) await world.run(event)
      for (const event of [{ do: 'repeat', which: 0 } as const, pass(600), ALARM]) await world.run(event)
      await world.rest()
      expect(world.spentMicros()).toBe(250)
    })
  })

  it('was away for longer than a request is remembered, is told of it and then the object sleeps', async () => {
    await live(async world => {
      for (const event of [DONE, pass(600), ALARM, answer('before'), answer('before'), pass(70_000)]) await world.run(event)
      for (const event of [ALARM, answer('before'), answer('before'), pass(9_000)]) await world.run(event)
      await world.rest()
      expect(await world.sleep()).toMatchObject({ asleep: true, kept: 0 })
    })
  })

  it('refuses an orphan that is settled while it is asked, keeps no mark of the orphan', async () => {
    await live(async world => {
      const settled: Event = { do: 'settle', which: 0 }
      for (const event of [BEGUN, pass(40_000), ALARM, answer('before'), settled, answer('none'), answer('none')]) await world.run(event)
      expect(await world.status()).toMatchObject({ unflushed: 0, set_aside: 0 })
    })
  })
})

describe('whatever happens to a usage object, in whatever order', () => {
  it('each request has one row, the sums agree, D1 has all within minutes of being well, and the object sleeps', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(EVENT, { minLength: 5, maxLength: 60, size: 'max' }), events =>
        live(async world => {
          for (const event of events) await world.run(event)
          const drained_ms = await world.rest()
          const { results } = await env.DB.prepare(ROWS).bind(world.org).all<Row>()
          const wanted = world.began.map(({ intent, cost_micros }) => {
            const outcome = cost_micros === null ? 'orphan' : 'completed'
            return { decision_id: intent.decision_id, outcome, cost_micros: cost_micros ?? 300, paged: 1 }
          })
          const byId = (a: Row, b: Row) => (a.decision_id < b.decision_id ? -1 : 1)
          expect(results.sort(byId)).toEqual(wanted.sort(byId))
          expect(world.spentMicros()).toBe(wanted.reduce((sum, { cost_micros }) => sum + cost_micros, 0))
          expect(drained_ms).toBeLessThan(DRAINED_WITHIN_MS)
          const slept = await world.sleep()
          expect(slept).toEqual({ alarms: expect.any(Number), asleep: true, kept: 0 })
          expect(slept.alarms).toBeLessThan(40)
        }),
      ),
      { numRuns: 60, interruptAfterTimeLimit: 45_000, markInterruptAsFailure: false },
    )
  })
})
