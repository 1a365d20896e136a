import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { findDecision } from '../../worker/store/decisions.ts'
import type { UsageObject } from '../../worker/store/usage-object.ts'
import { batchOf, emptyStorage, intent, newId, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const attempt = {
  target: 'openai/gpt-5',
  role: 'answer',
  class: 'ok',
  status: 200,
  sent_at_ms: 1,
  headers_ms: 30,
  first_token_ms: 120,
  ended_ms: 900,
  detail: null,
  probe: false,
  usage: null,
} as const

describe('a decision', () => {
  it('is found while its request is under way, without usage', async () => {
    const org = newOrg()
    const one = intent({ org, decision: '{"v":1,"chosen":"openai/gpt-5"}' })
    await env.USAGE.getByName(org).commit(batchOf([one]))
    expect(await findDecision(env, org, one.decision_id)).toEqual({ record: { v: 1, chosen: 'openai/gpt-5' }, usage: null })
  })

  it('reads the same from the object as from D1 afterwards', async () => {
    const org = newOrg()
    const one = intent({ org, decision: '{"v":1,"chosen":"openai/gpt-5"}' })
    await env.USAGE.getByName(org).commit(batchOf([one], [settlement(one, { attempts: [attempt] })]))
    await runDurableObjectAlarm(env.USAGE.getByName(org))
    const young = await findDecision(env, org, one.decision_id)
    await runInDurableObject(env.USAGE.getByName(org), (_: UsageObject, state) => state.storage.sql.exec('DELETE FROM intents'))
    expect(await env.USAGE.getByName(org).find(one.decision_id)).toBe(null)
    const old = await findDecision(env, org, one.decision_id)
    expect(old).toEqual(young)
    expect(old?.usage).toMatchObject({ outcome: 'completed', cost_micros: 250, attempts: [attempt] })
  })

  it('is nobody else’s: another organisation finds nothing, in the object or in D1', async () => {
    const org = newOrg()
    const one = intent({ org })
    await env.USAGE.getByName(org).commit(batchOf([one], [settlement(one)]))
    await runDurableObjectAlarm(env.USAGE.getByName(org))
    expect(await findDecision(env, newOrg(), one.decision_id)).toBe(null)
  })

  it('that never was is not found', async () => {
    expect(await findDecision(env, newOrg(), newId())).toBe(null)
  })
})
