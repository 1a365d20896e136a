import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { authenticate, forgetRevoked } from '../../worker/store/callers.ts'
import { callerKey, makeKey } from '../../worker/store/keys.ts'
import { batchOf, emptyStorage, intent, limitedBy, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const object = (org: string) => env.USAGE.getByName(org)
const rows = async () => (await env.DB.prepare('SELECT outcome, error_code FROM usage').all()).results
const REFUSED = { ok: false, code: 'key_revoked' }
const HARD = { window: 'day', limit_micros: 1_000, kind: 'hard' } as const

describe('a revoked key', () => {
  it('begins no request from the next commit on, whatever isolates remember; other keys go on', async () => {
    const org = newOrg()
    await object(org).revoke('abcdefghijk')
    const batch = batchOf([intent({ org }), intent({ org, key_id: 'zyxwvutsrqp' })])
    expect(await object(org).commit(batch)).toEqual([REFUSED, { ok: true }])
    expect(await object(org).commit(batch)).toEqual([REFUSED, { ok: true, duplicate: true }])
  })

  it('stays revoked when the object is evicted', async () => {
    const org = newOrg()
    await object(org).revoke('abcdefghijk')
    await evictDurableObject(object(org))
    expect(await object(org).commit(batchOf([intent({ org })]))).toEqual([REFUSED])
  })

  it('leaves a row for a request whose target was called meanwhile, and none for one that waited', async () => {
    const org = newOrg()
    await object(org).revoke('abcdefghijk')
    const called = intent({ org })
    const waited = intent({ org, limited: limitedBy(HARD) })
    await object(org).commit(batchOf([called, waited]))
    const ended = settlement(called, { outcome: 'failed', error_code: 'invalid_key' })
    await object(org).commit(batchOf([], [ended, settlement(waited)]))
    await runDurableObjectAlarm(object(org))
    expect(await rows()).toEqual([{ outcome: 'failed', error_code: 'invalid_key' }])
  })

  it('is forgotten by an isolate that was told so, though KV does not know it yet', async () => {
    const { key, caller } = await makeKey(env.KEY_PEPPER, { org: 'acme', label: 'test' })
    await env.KV.put(callerKey(caller.key_id), JSON.stringify(caller))
    const ask = async (now_ms: number) =>
      (await authenticate(new Headers({ authorization: `Bearer ${key}` }), env, { waitUntil: () => undefined }, now_ms)).ok
    expect(await ask(1_000)).toBe(true)
    forgetRevoked(caller.key_id, 2_000)
    expect(await ask(2_001)).toBe(false)
    expect(await ask(91_999)).toBe(false)
  })
})

describe("an organisation's spend", () => {
  it('is told by window: what was spent, and what is held for requests under way', async () => {
    const org = newOrg()
    const ended = intent({ org })
    await object(org).commit(batchOf([ended, intent({ org, reserved_micros: 70 })], [settlement(ended)]))
    const ledger = { spent_micros: 250, held_micros: 70 }
    expect(await object(org).ledgers(['org'])).toEqual([{ day: ledger, week: ledger, month: ledger }])
  })
})
