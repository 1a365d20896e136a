import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { keptDecision } from '../../worker/core/decide/kept.ts'
import { UNKNOWN_USAGE } from '../../worker/schema/chat.ts'
import type { DecisionRecord } from '../../worker/schema/decision.ts'
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
/** As a call comes that its target told two counts of. */
const counted = { ...attempt, usage: { ...UNKNOWN_USAGE, input_tokens: 90, output_tokens: 0 } }

/** What many decisions have in common: one list, frozen, so that it is kept once for them all. */
const REFUSED: DecisionRecord['refused'] = Object.freeze([
  { reason: 'region', need: 'eu', count: 1, targets: [{ target: 'demo/small', have: 'us' }] },
]) as DecisionRecord['refused']

/** An intent with its decision, as the router makes them. */
function decided(org: string, refused = REFUSED) {
  const plain = intent({ org })
  const { decision_id, at_ms, key_id, dialect, requested_model, policy, policy_version, target: chosen } = plain
  const record = {
    ...{ v: 1, decision_id, at_ms, org, key_id, dialect, requested_model, policy, policy_version, catalogue_version: 'c1' },
    ...{ health_age_ms: null, features: {}, objective: {}, limits: { attempts: 3 }, rules: ['one'], rule_errors: [], scores: [] },
    ...{ eligible: 1, front: [], refused, chosen, chosen_by: 'best', propensity: 1, draw: 0.25, losses: [] },
    plan: {
      steps: [],
      total_ms: 300_000,
      attempts: 3,
      attempts_per_target: 2,
      retry_after_at_most_ms: 3_000,
      shadows: [],
      panic: false,
    },
  } as unknown as DecisionRecord
  return { record, intent: { ...plain, decision: keptDecision(record) } }
}
const TOLD = { chosen: 'openai/gpt-5', rules: ['one'], limits: { attempts: 3 }, draw: 0.25 }

describe('a decision', () => {
  it('is found while its request is under way, without usage', async () => {
    const org = newOrg()
    const { intent: one } = decided(org)
    await env.USAGE.getByName(org).commit(batchOf([one]))
    const found = await findDecision(env, org, one.decision_id)
    expect(found?.record).toMatchObject({ decision_id: one.decision_id, org, refused: REFUSED, ...TOLD })
    expect(found?.usage).toBe(null)
  })

  it.each([
    ['lists its own refusals', [...REFUSED]],
    ['shares them with others', REFUSED],
  ])('that %s is found whole among others in D1, after the object was evicted as before', async (_, refused) => {
    const org = newOrg()
    const all = [decided(org), decided(org, refused), decided(org, [])]
    const intents = all.map(({ intent }) => intent)
    await env.USAGE.getByName(org).commit(batchOf(intents))
    await evictDurableObject(env.USAGE.getByName(org))
    await env.USAGE.getByName(org).commit(
      batchOf(
        [],
        intents.map(one => settlement(one)),
      ),
    )
    const young = await Promise.all(intents.map(one => findDecision(env, org, one.decision_id)))
    await runDurableObjectAlarm(env.USAGE.getByName(org))
    await runInDurableObject(env.USAGE.getByName(org), (_: UsageObject, state) => state.storage.sql.exec('DELETE FROM intents'))
    const old = await Promise.all(intents.map(one => findDecision(env, org, one.decision_id)))
    expect(old.map(found => found?.record)).toEqual(young.map(found => found?.record))
    expect(old.map(found => found?.record.refused)).toEqual([REFUSED, refused, []])
    expect(old.map(found => found?.record.decision_id)).toEqual(intents.map(one => one.decision_id))
  })

  it('reads the same from the object as from D1 afterwards', async () => {
    const org = newOrg()
    const { intent: one } = decided(org)
    await env.USAGE.getByName(org).commit(batchOf([one], [settlement(one, { attempts: [attempt, counted] })]))
    await runDurableObjectAlarm(env.USAGE.getByName(org))
    const young = await findDecision(env, org, one.decision_id)
    await runInDurableObject(env.USAGE.getByName(org), (_: UsageObject, state) => state.storage.sql.exec('DELETE FROM intents'))
    expect(await env.USAGE.getByName(org).find(one.decision_id)).toBe(null)
    const old = await findDecision(env, org, one.decision_id)
    expect(old).toEqual(young)
    expect(old?.usage).toMatchObject({ outcome: 'completed', cost_micros: 250, attempts: [attempt, counted] })
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
