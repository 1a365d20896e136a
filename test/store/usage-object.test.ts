import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Intent } from '../../worker/schema/usage.ts'
import type { UsageObject } from '../../worker/store/usage-object.ts'
import { sweepUsage } from '../../worker/store/usage-sweep.ts'
import { batchOf, emptyStorage, intent, limitedBy, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const object = (org: string) => env.USAGE.getByName(org)
const rows = async (sql = 'SELECT * FROM usage ORDER BY at_ms, decision_id') =>
  (await env.DB.prepare(sql).all<Record<string, unknown>>()).results
const alarm = (org: string) => runDurableObjectAlarm(object(org))
const HARD = { window: 'day', limit_micros: 1_000, kind: 'hard' } as const

/** An object whose alarm is lost, as the platform would lose it. */
const loseAlarm = (org: string) => runInDurableObject(object(org), (_: UsageObject, state) => state.storage.deleteAlarm())

describe('a request that ends', () => {
  it('leaves one row in D1, with every field of its intent and settlement', async () => {
    const org = newOrg()
    const one = intent({ org, decision: { shared: { json: '{"limits":{}}' }, own: '{"draw":0.5}' } })
    await object(org).commit(batchOf([one]))
    await object(org).commit(batchOf([], [settlement(one)]))
    await alarm(org)
    expect(await rows()).toEqual([
      expect.objectContaining({
        decision_id: one.decision_id,
        org,
        team: 'search',
        planned_target: 'openai/gpt-5',
        target: 'openai/gpt-5',
        outcome: 'completed',
        input_tokens: 90,
        cache_read_tokens: null,
        cost_micros: 250,
        energy_wh: 0.12,
        first_token_ms: 120,
        stream: 0,
        attempts: '[]',
      }),
    ])
    expect(await rows('SELECT shared, records FROM usage JOIN decision_pages ON decision_pages.id = page')).toEqual([
      { shared: '[{"limits":{}}]', records: `{"${one.decision_id}":[0,{"draw":0.5}]}` },
    ])
  })

  it('may be begun and ended in the same batch', async () => {
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one], [settlement(one)]))
    await alarm(org)
    expect(await rows()).toHaveLength(1)
  })

  it('loses no row to a fraction of a millisecond', async () => {
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one], [settlement(one, { first_token_ms: 12.4, total_ms: 99.6 })]))
    await alarm(org)
    expect(await rows()).toEqual([expect.objectContaining({ first_token_ms: 12, total_ms: 100 })])
  })

  it('is found by its id from the intent on, and for a minute after its row is in D1', async () => {
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one]))
    expect(await object(org).find(one.decision_id)).toMatchObject({ own: one.decision.own, shared: null, settled: null })
    await object(org).commit(batchOf([], [settlement(one)]))
    await alarm(org)
    expect((await object(org).find(one.decision_id))?.settled).toContain('completed')
    expect(await object(org).find('dec_00000000-0000-4000-8000-999999999999')).toBe(null)
  })
})

describe('rows on their way to D1', () => {
  const waitAfter = async (org: string, requests: number) => {
    const intents = Array.from({ length: requests }, () => intent({ org }))
    await object(org).commit(
      batchOf(
        intents,
        intents.map(each => settlement(each)),
      ),
    )
    await alarm(org)
    const one = intent({ org })
    const now_ms = Date.now()
    await object(org).commit(batchOf([one], [settlement(one)]))
    return ((await object(org).status()).alarm_at_ms ?? Number.NaN) - now_ms
  }

  it('gather for half a second', async () => {
    expect(await waitAfter(newOrg(), 19)).toBeLessThan(1_500)
  })

  it('gather for two seconds where the last pass took twenty, and for half a second again when there are few', async () => {
    const org = newOrg()
    expect(await waitAfter(org, 20)).toBeGreaterThanOrEqual(2_000)
    await alarm(org)
    expect(await waitAfter(org, 1)).toBeLessThan(1_500)
    await alarm(org)
    expect(await rows()).toHaveLength(23)
  })
})

describe('a message that is repeated', () => {
  it('changes nothing: an intent is a duplicate, a settlement counts once', async () => {
    const org = newOrg()
    const one = intent({ org, limited: limitedBy(HARD) })
    const batch = batchOf([one], [settlement(one, { cost_micros: 600 })])
    expect(await object(org).commit(batch)).toEqual([{ ok: true }])
    expect(await object(org).commit(batch)).toEqual([{ ok: true, duplicate: true }])
    const fits = intent({ org, limited: limitedBy(HARD), reserved_micros: 400 })
    expect(await object(org).commit(batchOf([fits]))).toEqual([{ ok: true }])
    await alarm(org)
    expect(await rows()).toHaveLength(1)
  })

  it('is known again after the row went to D1 and the object was evicted', async () => {
    const org = newOrg()
    const one = intent({ org })
    const batch = batchOf([one], [settlement(one)])
    await object(org).commit(batch)
    await alarm(org)
    await evictDurableObject(object(org))
    expect(await object(org).commit(batch)).toEqual([{ ok: true, duplicate: true }])
    await alarm(org)
    expect(await rows()).toHaveLength(1)
    expect(await object(org).status()).toMatchObject({ under_way: 0, unflushed: 0 })
  })
})

describe('a hard budget', () => {
  const asked = (org: string, reserved_micros: number): Intent => intent({ org, limited: limitedBy(HARD), reserved_micros })
  const commit = async (org: string, ...intents: Intent[]) => object(org).commit(batchOf(intents))

  it('takes what fits to the last micro-dollar and refuses what does not, within one batch', async () => {
    const org = newOrg()
    const answers = await commit(org, asked(org, 600), asked(org, 401), asked(org, 400))
    expect(answers.map(answer => answer.ok)).toEqual([true, false, true])
    expect(answers[1]).toMatchObject({ code: 'budget_exhausted', window: 'day', limit_micros: 1_000, spent_micros: 0, held_micros: 600 })
  })

  it('is never overspent by requests that come at the same time', async () => {
    const org = newOrg()
    const answers = await Promise.all(Array.from({ length: 60 }, () => commit(org, asked(org, 100))))
    expect(answers.flat().filter(answer => answer.ok)).toHaveLength(10)
  })

  it('gets back what was held and not spent', async () => {
    const org = newOrg()
    const one = asked(org, 1_000)
    await commit(org, one)
    expect((await commit(org, asked(org, 1)))[0]?.ok).toBe(false)
    await object(org).commit(batchOf([], [settlement(one, { cost_micros: 250 })]))
    expect((await commit(org, asked(org, 751)))[0]?.ok).toBe(false)
    expect((await commit(org, asked(org, 750)))[0]?.ok).toBe(true)
  })

  it('holds after an eviction, for what was spent as for what is held', async () => {
    const org = newOrg()
    const [one, two] = [asked(org, 500), asked(org, 500)]
    await object(org).commit(batchOf([one, two], [settlement(one, { cost_micros: 400 })]))
    await evictDurableObject(object(org))
    expect((await commit(org, asked(org, 101)))[0]).toMatchObject({ ok: false, spent_micros: 400, held_micros: 500 })
    expect((await commit(org, asked(org, 100)))[0]?.ok).toBe(true)
  })

  it('leaves no trace of a request that it refused', async () => {
    const org = newOrg()
    await commit(org, asked(org, 2_000))
    expect(await object(org).status()).toMatchObject({ under_way: 0, unflushed: 0 })
  })
})

describe('a request whose isolate died', () => {
  it('gets its row from the intent alone, marked as an estimate, once its time is over', async () => {
    const org = newOrg()
    const one = intent({ org, expires_at_ms: Date.now() - 1 })
    await object(org).commit(batchOf([one]))
    await alarm(org)
    expect(await rows()).toEqual([
      expect.objectContaining({
        outcome: 'orphan',
        usage_estimated: 1,
        input_tokens: 100,
        output_tokens: 200,
        cost_micros: 300,
        target: null,
        status: null,
        total_ms: null,
      }),
    ])
  })

  it('is left alone until then', async () => {
    const org = newOrg()
    await object(org).commit(batchOf([intent({ org })]))
    await alarm(org)
    expect(await rows()).toEqual([])
    expect(await object(org).status()).toMatchObject({ under_way: 1, alarm_at_ms: expect.any(Number) })
  })

  it.each(['before', 'after'])('has its one row corrected by a settlement that comes late, %s the orphan reached D1', async when => {
    const org = newOrg()
    const one = intent({ org, expires_at_ms: Date.now() - 1, limited: limitedBy(HARD) })
    await object(org).commit(batchOf([one]))
    if (when === 'before') await runInDurableObject(object(org), (it: UsageObject) => it.kick())
    await alarm(org)
    if (when === 'after') await evictDurableObject(object(org))
    await object(org).commit(batchOf([], [settlement(one, { cost_micros: 700 })]))
    await object(org).commit(batchOf([], [settlement(one, { cost_micros: 700 })]))
    await alarm(org)
    expect(await rows()).toEqual([expect.objectContaining({ outcome: 'completed', cost_micros: 700, total_ms: 900 })])
    const [answer] = await object(org).commit(batchOf([intent({ org, limited: limitedBy(HARD), reserved_micros: 301 })]))
    expect(answer).toMatchObject({ ok: false, spent_micros: 700, held_micros: 0 })
  })
})

describe('while D1 is away', () => {
  const breakD1 = () => env.DB.prepare('ALTER TABLE usage RENAME TO usage_away').run()
  const mendD1 = () => env.DB.prepare('ALTER TABLE usage_away RENAME TO usage').run()

  it('rows wait, the alarm is set again for later, and nothing is lost', async () => {
    const org = newOrg()
    const one = intent({ org })
    await breakD1()
    await object(org).commit(batchOf([one], [settlement(one)]))
    await alarm(org)
    const first = await object(org).status()
    expect(first).toMatchObject({ unflushed: 1, set_aside: 0 })
    expect(first.alarm_at_ms).toBeGreaterThan(Date.now() + 500)
    await alarm(org)
    expect((await object(org).status()).alarm_at_ms).toBeGreaterThan(Date.now() + 1_500)
    await mendD1()
    await alarm(org)
    expect(await rows()).toHaveLength(1)
    expect(await object(org).status()).toMatchObject({ unflushed: 0 })
  })

  it('budgets are judged and requests are taken as ever', async () => {
    const org = newOrg()
    await breakD1()
    await alarm(org)
    expect(await object(org).commit(batchOf([intent({ org, limited: limitedBy(HARD) })]))).toEqual([{ ok: true }])
    await mendD1()
  })
})

describe('a row that D1 will not take', () => {
  const poison = () =>
    env.DB.prepare(
      "CREATE TRIGGER poison BEFORE INSERT ON usage WHEN NEW.requested_model = 'poison' BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    ).run()

  it('is set aside, and the others go on', async () => {
    const org = newOrg()
    await poison()
    const intents = Array.from({ length: 30 }, (_, i) => intent({ org, requested_model: i === 17 ? 'poison' : 'auto' }))
    await object(org).commit(
      batchOf(
        intents,
        intents.map(one => settlement(one)),
      ),
    )
    await alarm(org)
    expect(await rows()).toHaveLength(29)
    expect(await object(org).status()).toMatchObject({ unflushed: 0, set_aside: 1, given_up: 0 })
  })

  it('is told of after eight tries, kept, and tried again once an hour', async () => {
    const org = newOrg()
    await poison()
    const one = intent({ org, requested_model: 'poison' })
    await object(org).commit(batchOf([one], [settlement(one)]))
    await alarm(org)
    for (let tries = 1; tries < 8; tries++) {
      await runInDurableObject(object(org), (_: UsageObject, state) => state.storage.sql.exec('UPDATE stuck SET next_at_ms = 0'))
      await alarm(org)
    }
    expect(await object(org).status()).toMatchObject({ set_aside: 1, given_up: 1 })
    const next_ms = await runInDurableObject(
      object(org),
      (_: UsageObject, state) => state.storage.sql.exec<{ at: number }>('SELECT next_at_ms AS at FROM stuck').one().at - Date.now(),
    )
    expect(next_ms).toBeGreaterThan(3_500_000)
    expect(next_ms).toBeLessThanOrEqual(3_600_000)
    await env.DB.prepare('DROP TRIGGER poison').run()
    await runInDurableObject(object(org), (_: UsageObject, state) => state.storage.sql.exec('UPDATE stuck SET next_at_ms = 0'))
    await alarm(org)
    expect(await rows()).toHaveLength(1)
    expect(await object(org).status()).toMatchObject({ set_aside: 0, given_up: 0 })
  })
})

describe('a batch that cannot be stored', () => {
  it('leaves nothing of itself behind, not in memory either', async () => {
    const org = newOrg()
    const good = intent({ org, limited: limitedBy(HARD), reserved_micros: 1_000 })
    const bad = intent({ org, expires_at_ms: Number.NaN })
    const refused = await object(org)
      .commit(batchOf([good, bad]))
      .catch(() => 'refused')
    expect(refused).toBe('refused')
    expect(await object(org).commit(batchOf([good]))).toEqual([{ ok: true }])
  })
})

describe('what D1 has', () => {
  it('is forgotten after a minute, with what its decision shared with no other', async () => {
    const org = newOrg()
    const one = intent({ org, decision: { shared: { json: '{"limits":{}}' }, own: '{}' } })
    await object(org).commit(batchOf([one], [settlement(one)]))
    await runInDurableObject(object(org), (_: UsageObject, state) =>
      state.storage.sql.exec('UPDATE settlements SET settled_at_ms = settled_at_ms - 61000'),
    )
    await evictDurableObject(object(org))
    await alarm(org)
    expect(await rows()).toHaveLength(1)
    const left = await runInDurableObject(object(org), (_: UsageObject, state) =>
      state.storage.sql
        .exec('SELECT (SELECT count(*) FROM intents) + (SELECT count(*) FROM settlements) + (SELECT count(*) FROM shared) AS left')
        .one(),
    )
    expect(left).toEqual({ left: 0 })
  })
})

describe('the sweep', () => {
  const silence = () => env.DB.prepare('UPDATE usage_objects SET heard_at_ms = 0').run()

  it('finds an object whose alarm was lost, and it sets its alarm again', async () => {
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one], [settlement(one)]))
    await expect.poll(() => rows('SELECT org FROM usage_objects')).toEqual([{ org }])
    await loseAlarm(org)
    await evictDurableObject(object(org))
    await silence()
    expect(await sweepUsage(env, Date.now())).toEqual([expect.objectContaining({ org, unflushed: 1 })])
    expect(await alarm(org)).toBe(true)
    expect(await rows()).toHaveLength(1)
  })

  it('takes an idle object off the list, and its next request puts it back', async () => {
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one], [settlement(one)]))
    await alarm(org)
    await silence()
    await sweepUsage(env, Date.now())
    expect(await rows('SELECT org FROM usage_objects')).toEqual([])
    await object(org).commit(batchOf([intent({ org })]))
    await expect.poll(() => rows('SELECT org FROM usage_objects')).toEqual([{ org }])
  })

  it('leaves objects alone that were heard of lately', async () => {
    const org = newOrg()
    await object(org).commit(batchOf([intent({ org })]))
    await expect.poll(() => rows('SELECT org FROM usage_objects')).toEqual([{ org }])
    expect(await sweepUsage(env, Date.now())).toEqual([])
  })
})
