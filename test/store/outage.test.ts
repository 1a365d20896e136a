/**
 * Ten minutes without D1, on a clock that the test moves: requests go on, budgets hold, nothing is lost, and within a minute after
 * it is back D1 has it all.
 */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { compareBooks } from '../../worker/store/books.ts'
import { batchOf, emptyStorage, intent, limitedBy, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)
afterEach(() => vi.useRealTimers())

const MINUTE_MS = 60_000
const object = (org: string) => env.USAGE.getByName(org)
const breakD1 = () => env.DB.prepare('ALTER TABLE usage RENAME TO usage_away').run()
const mendD1 = () => env.DB.prepare('ALTER TABLE usage_away RENAME TO usage').run()

describe('ten minutes without D1', () => {
  it('cost no request and no row, and are made up for within a minute', async () => {
    const org = newOrg()
    // Ahead of the true time, so that no alarm fires by itself: workerd sets one that is past to now.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60 * MINUTE_MS })
    const limited = limitedBy({ window: 'day', limit_micros: 1_000_000_000, kind: 'hard' })
    let sent = 0
    const refused: unknown[] = []
    const minute = async () => {
      const intents = Array.from({ length: 200 }, () => intent({ org, limited, at_ms: Date.now(), expires_at_ms: Date.now() + 30_000 }))
      const answers = await object(org).commit(batchOf(intents))
      refused.push(...answers.filter(answer => !answer.ok))
      // One in fifty loses its isolate, and becomes an orphan while D1 is away.
      const settled = intents.filter((_, i) => i % 50 !== 0)
      await object(org).commit(
        batchOf(
          [],
          settled.map(each => settlement(each)),
        ),
      )
      sent += intents.length
    }

    await breakD1()
    const waits: number[] = []
    for (let passed = 0; passed < 10; passed++) {
      await minute()
      vi.setSystemTime(Date.now() + MINUTE_MS)
      await runDurableObjectAlarm(object(org))
      if (passed === 4) await evictDurableObject(object(org))
      waits.push(((await object(org).status()).alarm_at_ms ?? Number.NaN) - Date.now())
    }
    expect(refused).toEqual([])
    // It tries again by itself, a minute later at most, however long this goes on.
    expect(waits.filter(wait_ms => !(wait_ms > 0 && wait_ms <= MINUTE_MS))).toEqual([])
    expect(await object(org).status()).toMatchObject({ unflushed: sent, set_aside: 0, given_up: 0 })

    await mendD1()
    const back_at_ms = Date.now()
    for (let alarms = 0; alarms < 20 && (await object(org).status()).unflushed > 0; alarms++) {
      vi.setSystemTime(Math.max(Date.now(), (await object(org).status()).alarm_at_ms ?? Date.now()))
      await runDurableObjectAlarm(object(org))
    }
    expect(Date.now() - back_at_ms).toBeLessThanOrEqual(MINUTE_MS)
    expect(
      await env.DB.prepare("SELECT count(*) AS rows, count(*) FILTER (WHERE outcome = 'orphan') AS orphans FROM usage").first(),
    ).toEqual({
      rows: sent,
      orphans: sent / 50,
    })
    const books = await compareBooks(env, org)
    expect([books.on_their_way, books.days.length > 0, books.days.filter(({ agrees }) => agrees !== true)]).toEqual([0, true, []])
  }, 60_000)
})
