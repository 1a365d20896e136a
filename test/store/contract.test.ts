/**
 * For seconds or minutes after a release, Workers of one version talk to objects of another. What each says to the other may lack what is new,
 * and hold what the other has never heard of. Both objects, both ways, with what was said before there was anything optional.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect } from 'vitest'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { standing } from '../../worker/routes/standing.ts'
import type { HealthReport } from '../../worker/schema/health.ts'
import type { BudgetAnswer } from '../../worker/schema/usage.ts'
import { healthView } from '../../worker/store/health.ts'
import { AccountingUnavailable, intend } from '../../worker/store/usage.ts'
import type { Batch } from '../../worker/store/usage-batch.ts'
import { row } from '../faults/note.ts'
import { backgroundWork, batchOf, emptyStorage, intent, newId, newOrg, settlement } from './fixture.ts'

const { ctx, behind, forget } = backgroundWork()
beforeEach(async () => {
  await emptyStorage()
  forget()
})

const TARGET = 'openai/gpt-5'
/** What nobody has thought of yet, at whatever place. */
const TOMORROW = { tomorrow: { deep: [1, null] } }

/** An outcome as the first version told it. */
const firstOutcome = (kind: string) => ({
  target: TARGET,
  class: kind,
  decision_id: newId(),
  org: newOrg(),
  size: 's',
  sent_at_ms: Date.now(),
  at_ms: Date.now(),
  first_token_ms: null,
  tokens_per_second: null,
  retry_after_ms: null,
  probe: false,
})
/** A target's health as the first version told it. */
const firstHealth = (state: string) => ({
  state,
  until_ms: Date.now() + 9_000,
  limited_until_ms: null,
  auth_broken_until_ms: null,
  ramp_share: 0,
  error_rate: null,
  ln_first_token_ms: { s: null, m: null, l: null, xl: null },
  ln_tokens_per_second: null,
  slow: false,
  last_ok_at_ms: null,
  samples: 3,
})

describe('across versions', () => {
  row('F89-HEALTH-OLD-WORKER', 'workerd', 'a Worker that knows less, and a newer health object', 'it is heard, and answered', async () => {
    const object = env.HEALTH.getByName('all')
    const outcomes = Array.from({ length: 10 }, () => firstOutcome('server'))
    const old = { v: 1, isolate: 'old', seq: 1, outcomes, wants_probe: [] } as unknown as HealthReport
    expect((await object.report(old)).snapshot.targets[TARGET]?.state).toBe('open')
    // Counted once, though it numbers reports and not outcomes.
    const { samples } = (await object.report(old)).snapshot.targets[TARGET] ?? {}
    expect(samples).toBe(10)
    return 'open after ten failures; sent again, counted once'
  })
  row(
    'F89-HEALTH-NEW-WORKER',
    'workerd',
    'a Worker that knows more, and an older health object',
    'what it does not know is passed over, one unheard-of outcome too',
    async () => {
      const outcomes = [
        ...Array.from({ length: 5 }, () => ({ ...firstOutcome('server'), ...TOMORROW, waited_ms: 5 })),
        { ...firstOutcome('resting'), ...TOMORROW },
        ...Array.from({ length: 5 }, () => ({ ...firstOutcome('server'), ...TOMORROW })),
      ]
      const report = { v: 1, isolate: 'new', seq: 1, from: 0, region: 'eu', uses_probe: [], wants_probe: [], outcomes, ...TOMORROW }
      const { snapshot, probes } = await env.HEALTH.getByName('all').report(report as unknown as HealthReport)
      expect([snapshot.targets[TARGET]?.state, snapshot.targets[TARGET]?.samples, probes]).toEqual(['open', 10, []])
      return 'open after ten failures; an eleventh outcome of a class nobody knows is left out'
    },
  )
  row(
    'F89-HEALTH-OLD-OBJECT',
    'workerd',
    'a reply of an older health object, and of a newer one',
    'what is there is gone by, in any company',
    async () => {
      const replyOf = (rest: object, health: object, of_reply: object = {}) => ({
        v: 1,
        snapshot: { v: 1, taken_at_ms: Date.now(), targets: { [TARGET]: { ...firstHealth('open'), ...health } }, ...rest },
        probes: [],
        ...of_reply,
      })
      const seenFrom = async (reply: object) => {
        const view = healthView({ HEALTH: { getByName: () => ({ report: async () => reply }) } as unknown as Env['HEALTH'] })
        view.snapshot(Date.now(), ctx)
        await behind()
        return view.snapshot(Date.now(), ctx).targets[TARGET]
      }
      expect(await seenFrom(replyOf({}, {}))).toMatchObject({ state: 'open', samples: 3 })
      expect(await seenFrom(replyOf(TOMORROW, TOMORROW, TOMORROW))).toMatchObject({ state: 'open', samples: 3 })
      return 'open, as the other said, either way'
    },
  )

  /** A batch as the first version sent it: no limits, no word of repeats. */
  function firstBatch(org: string): { batch: Batch; id: string } {
    const one = intent({ org })
    const batch = batchOf([one], [settlement(one)])
    for (const entry of batch.intents) {
      delete entry.limited
      delete entry.once
    }
    for (const entry of batch.settlements) delete entry.answered
    return { batch, id: one.decision_id }
  }
  row(
    'F89-USAGE-OLD-WORKER',
    'workerd',
    'a Worker that knows less, and a newer usage object',
    'its requests are counted once',
    async () => {
      const org = newOrg()
      const { batch } = firstBatch(org)
      const object = env.USAGE.getByName(org)
      expect(await object.commit(batch)).toMatchObject([{ ok: true }])
      expect(await object.commit(batch)).toMatchObject([{ ok: true }])
      expect((await object.status()).unflushed).toBe(1)
      return 'one row, sent twice'
    },
  )
  row(
    'F89-USAGE-NEW-WORKER',
    'workerd',
    'a Worker that knows more, and an older usage object',
    'what it does not know is passed over; a version it does not know is refused whole',
    async () => {
      const org = newOrg()
      const { batch } = firstBatch(org)
      const more = {
        ...batch,
        ...TOMORROW,
        intents: batch.intents.map(entry => ({ ...entry, ...TOMORROW })),
        settlements: batch.settlements.map(entry => ({ ...entry, ...TOMORROW })),
      }
      const object = env.USAGE.getByName(org)
      expect(await object.commit(more as unknown as Batch)).toMatchObject([{ ok: true }])
      expect((await object.status()).unflushed).toBe(1)
      await runInDurableObject(object, instance => {
        expect(() => instance.commit({ ...batch, v: 2 } as unknown as Batch)).toThrow(/version 2/)
      })
      return 'one row; version 2 refused'
    },
  )
  row(
    'F89-USAGE-OLD-OBJECT',
    'workerd',
    'an answer of an older usage object, and of a newer one',
    'a yes is a yes; a refusal nobody knows is one that passes, and no crash',
    async () => {
      const answered = (answer: object) => {
        const away = { USAGE: { getByName: () => ({ commit: async () => [answer] }) } as unknown as Env['USAGE'] }
        return intend(away, ctx, intent({ org: newOrg() }))()
      }
      expect(await answered({ ok: true })).toEqual({ ok: true })
      expect(await answered({ ok: true, ...TOMORROW })).toMatchObject({ ok: true })
      const stands = standing(openaiChat, { nowMs: () => 0 })
      expect(stands(await answered({ ok: true, ...TOMORROW })).refusal).toBeNull()
      const unknown = await answered({ ok: false, code: 'tomorrows_limit', ...TOMORROW })
      expect(stands(unknown as BudgetAnswer).refusal).toEqual({ code: 'accounting_unavailable' })
      await expect(
        intend({ USAGE: { getByName: () => ({}) } as unknown as Env['USAGE'] }, ctx, intent({ org: newOrg() }))(),
      ).rejects.toThrow(AccountingUnavailable)
      await behind()
      return 'allowed, allowed, and 503 for a reason that is not known'
    },
  )
})
