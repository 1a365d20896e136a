/**
 * Rows of the fault catalogue that are about the platform: Durable Objects that do not answer, KV that is away or old, isolates that
 * begin anew, time that passes between a hold and its settlement. Inside workerd, with the real objects behind faulty bindings.
 */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, vi } from 'vitest'
import type { HealthReport, Outcome } from '../../worker/schema/health.ts'
import type { Budget } from '../../worker/schema/limits.ts'
import { healthView } from '../../worker/store/health.ts'
import { policyStore } from '../../worker/store/policies.ts'
import { AccountingUnavailable, intend } from '../../worker/store/usage.ts'
import { outcome as outcomeOf } from '../core/health/outcomes.ts'
import { row } from '../faults/note.ts'
import { callerOf } from '../routes/admin/asking.ts'
import { ANSWER, CHAT, router } from '../security/workerd/router.ts'
import { backgroundWork, batchOf, emptyStorage, intent, limitedBy, newId, newOrg, settlement } from './fixture.ts'

const { ctx, behind, forget } = backgroundWork()
beforeEach(async () => {
  await emptyStorage()
  forget()
})

const TARGET = 'openai/gpt-5'
const outcome = (changes: Partial<Outcome> = {}) =>
  outcomeOf('server', Date.now(), { target: TARGET, decision_id: newId(), org: newOrg(), ...changes })
const failing = (count: number) => Array.from({ length: count }, () => outcome())
const problem = (message: string, marks: { retryable?: boolean; overloaded?: boolean }) => Object.assign(new Error(message), marks)

/** The real health object behind a stub that fails as told, and counts how often it was made and asked. */
function faultyHealth(...faults: ('hang' | Error)[]) {
  const seen = { stubs: 0, calls: 0 }
  const getByName = (name: string) => {
    seen.stubs++
    return {
      report(report: HealthReport) {
        seen.calls++
        const fault = faults.shift()
        if (fault === 'hang') return new Promise(() => undefined)
        return fault ? Promise.reject(fault) : env.HEALTH.getByName(name).report(report)
      },
    }
  }
  return { seen, env: { HEALTH: { getByName } as unknown as Env['HEALTH'] } }
}

describe('a Durable Object that does not do as it should', () => {
  row(
    'F86',
    'workerd',
    'overloaded, moved under a call, or hanging',
    'overloaded is not asked again, a moved one once more on a new stub, a hanging one is not waited for',
    async () => {
      const overloaded = faultyHealth(problem('overloaded', { overloaded: true, retryable: true }))
      healthView(overloaded.env).report(outcome(), ctx)
      await behind()
      expect(overloaded.seen.calls).toBe(1)

      const moved = faultyHealth(problem('moved', { retryable: true }))
      const view = healthView(moved.env)
      view.report(outcome(), ctx)
      await behind()
      expect(moved.seen).toEqual({ stubs: 2, calls: 2 })
      expect(view.reachable()).toBe(true)

      const hanging = healthView(faultyHealth('hang').env)
      const started_ms = Date.now()
      await hanging.refreshed(started_ms, { waitUntil: () => undefined })
      const waited_ms = Date.now() - started_ms
      expect(waited_ms).toBeLessThan(1_000)
      return `1 call, 2 stubs, ${waited_ms} ms`
    },
  )
  row(
    'F88',
    'workerd',
    'the usage object is out of reach',
    'the request is refused: nothing is spent that is not accounted for',
    async () => {
      const away = { USAGE: { getByName: () => ({ commit: () => Promise.reject(new Error('gone')) }) } as unknown as Env['USAGE'] }
      await expect(intend(away, ctx, intent({ org: newOrg() }))()).rejects.toThrow(AccountingUnavailable)
      return 'AccountingUnavailable, which callers read as 503'
    },
  )
})

const policyText = (name: string, description: string) => `name: ${name}\ndescription: ${description}\nobjective: { quality: 1 }\n`
const NOW = 1_800_000_000_000

/** The real KV but for the reads that a test makes fail. */
function kvThat(get: (key: string) => Promise<string | null> | null) {
  return policyStore({
    get: (key: string) => get(key) ?? env.KV.get(key),
    list: (options: KVNamespaceListOptions) => env.KV.list(options),
  } as unknown as KVNamespace)
}
const saidBy = async (store: ReturnType<typeof policyStore>, name: string, now_ms: number) =>
  (await store.policyFor(name, ctx, now_ms))?.policy.description

describe('KV', () => {
  row(
    'F90',
    'workerd',
    'down, failing nine times in ten, or hanging',
    'the last good policy serves, at first boot the bundled one; no request waits for long',
    async () => {
      await env.KV.put('policy/mine', policyText('mine', 'one'))
      let fault: 'none' | 'down' | 'hang' = 'down'
      const store = kvThat(() =>
        fault === 'down' ? Promise.reject(new Error('500')) : fault === 'hang' ? new Promise(() => undefined) : null,
      )
      expect((await store.policyFor('default', ctx, NOW))?.policy.name).toBe('default')
      fault = 'none'
      expect(await saidBy(store, 'mine', NOW)).toBe('one')
      fault = 'down'
      for (let i = 1; i <= 10; i++) expect(await saidBy(store, 'mine', NOW + i * 60_000)).toBe('one')
      fault = 'hang'
      const started_ms = Date.now()
      expect(await saidBy(store, 'mine', NOW + 3_600_000)).toBe('one')
      const waited_ms = Date.now() - started_ms
      expect(waited_ms).toBeLessThan(1_500)
      return `served throughout; ${waited_ms} ms for a hanging read`
    },
  )
  row(
    'F91',
    'workerd',
    'an old text, none, a broken one, one under a wrong name, one of 25 MB',
    'the last good one is kept, with an alarm',
    async () => {
      let text: string | null = policyText('mine', 'good')
      const store = kvThat(key => (key === 'policy/mine' ? Promise.resolve(text) : null))
      expect(await saidBy(store, 'mine', NOW)).toBe('good')
      let at_ms = NOW
      for (const bad of ['{"name": "mine", ', policyText('other', 'x'), `name: mine\ndescription: ${'x'.repeat(25_000_000)}\n`]) {
        text = bad
        at_ms += 10_000
        await saidBy(store, 'mine', at_ms)
        await behind()
        expect(await saidBy(store, 'mine', at_ms + 2_000)).toBe('good')
        expect(store.problems()).toHaveLength(1)
      }
      text = policyText('mine', 'better')
      await saidBy(store, 'mine', at_ms + 20_000)
      await behind()
      expect(await saidBy(store, 'mine', at_ms + 22_000)).toBe('better')
      expect(store.problems()).toEqual([])
      return 'three broken ones refused, the next good one taken'
    },
  )
  row(
    'F92',
    'workerd',
    'a policy is rolled back while requests run',
    'they end under the one they began with; new ones have the other within 3 s',
    async () => {
      await env.KV.put('policy/mine', policyText('mine', 'new'))
      const store = policyStore(env.KV)
      const running = await store.policyFor('mine', ctx, NOW)
      await env.KV.put('policy/mine', policyText('mine', 'old'))
      await store.policyFor('mine', ctx, NOW + 1_500)
      await behind()
      expect(await saidBy(store, 'mine', NOW + 1_600)).toBe('old')
      expect(running?.policy.description).toBe('new')
      return 'the next request after 1.5 s has it'
    },
  )
})

describe('isolates and objects that begin anew', () => {
  row('F94', 'workerd', 'an isolate and the object lose their memory', 'what was open is open, for the first request', async () => {
    const before = healthView(env)
    for (const each of failing(10)) before.report(each, ctx)
    await behind()
    await evictDurableObject(env.HEALTH.getByName('all'))
    const after = healthView(env)
    const started_ms = Date.now()
    await after.refreshed(started_ms, ctx)
    const waited_ms = Date.now() - started_ms
    expect(after.snapshot(Date.now(), ctx).targets[TARGET]?.state).toBe('open')
    await behind()
    return `open; waited ${waited_ms} ms`
  })
  row('F95', 'workerd', 'what runs behind a response is cancelled', 'the intent alone becomes the row, marked as an estimate', async () => {
    const org = newOrg()
    await env.USAGE.getByName(org).commit(batchOf([intent({ org, expires_at_ms: Date.now() - 1 })]))
    await runDurableObjectAlarm(env.USAGE.getByName(org))
    const { results } = await env.DB.prepare('SELECT outcome, usage_estimated FROM usage').all()
    expect(results).toEqual([{ outcome: 'orphan', usage_estimated: 1 }])
    return 'one row: orphan, estimated'
  })
})

describe('between a hold and its settlement', () => {
  const DAY: Budget = { window: 'day', limit_micros: 1_000, kind: 'hard' }
  const MIDNIGHT = Date.parse('2026-11-25T00:00:00Z')
  const left = async (org: string, at_ms: number) => {
    const [answer] = await env.USAGE.getByName(org).commit(
      batchOf([intent({ org, at_ms, limited: limitedBy(DAY), reserved_micros: 1_000_000 })]),
    )
    return answer
  }
  row('F100', 'workerd', 'the day ends', 'charged to the day of the hold; both days exact', async () => {
    vi.setSystemTime(MIDNIGHT - 1_000)
    try {
      const org = newOrg()
      const one = intent({ org, at_ms: MIDNIGHT - 1_000, limited: limitedBy(DAY), reserved_micros: 600 })
      await env.USAGE.getByName(org).commit(batchOf([one]))
      vi.setSystemTime(MIDNIGHT + 5_000)
      await env.USAGE.getByName(org).commit(batchOf([], [settlement(one, { cost_micros: 500 })]))
      expect(await left(org, MIDNIGHT - 1)).toMatchObject({ ok: false, spent_micros: 500, held_micros: 0 })
      expect(await left(org, MIDNIGHT + 6_000)).toMatchObject({ ok: false, spent_micros: 0, held_micros: 0 })
    } finally {
      vi.useRealTimers()
    }
    return '500 on the first day, 0 on the next'
  })
  row(
    'F102',
    'workerd',
    'the model writes more than was held',
    'spent is past the limit by that one request, and the next is refused',
    async () => {
      const org = newOrg()
      const one = intent({ org, limited: limitedBy(DAY), reserved_micros: 900 })
      await env.USAGE.getByName(org).commit(batchOf([one], [settlement(one, { cost_micros: 1_700 })]))
      const [answer] = await env.USAGE.getByName(org).commit(batchOf([intent({ org, limited: limitedBy(DAY), reserved_micros: 1 })]))
      expect(answer).toMatchObject({ ok: false, spent_micros: 1_700 })
      return '1,700 of 1,000, then refused'
    },
  )
})

describe('a request that is sent again', () => {
  row(
    'F99',
    'workerd',
    'duplicate client request, same Idempotency-Key, concurrent and later',
    'one dispatch; the second gets 409, or the answer again where the policy keeps it',
    async () => {
      const { key } = await callerOf({ org: newOrg() })
      await env.KV.put(
        'policy/keeping',
        JSON.stringify({ name: 'keeping', objective: { quality: 1 }, idempotency: { keep_answers: true } }),
      )
      const seen: string[] = []
      for (const model of [CHAT.model, 'policy/keeping']) {
        let answer: (response: Response) => void = () => {}
        let came: () => void = () => {}
        const called = new Promise<void>(resolve => {
          came = resolve
        })
        const on = router({
          answer: () => {
            came()
            return new Promise(resolve => {
              answer = resolve
            })
          },
        })
        const ask = () =>
          on.ask('POST', '/v1/chat/completions', {
            key,
            body: { ...CHAT, model },
            headers: { 'idempotency-key': `once ${model}`.replace(' ', '-') },
          })
        const first = ask()
        await called
        const beside = await ask()
        answer(Response.json(ANSWER))
        const text = await (await first).text()
        const later = await ask()
        const again = later.status === 200 && (await later.text()) === text ? 'the same answer' : String(later.status)
        expect([on.sent.length, beside.status, again]).toEqual([1, 409, model === CHAT.model ? '409' : 'the same answer'])
        seen.push(`${on.sent.length} call, beside it ${beside.status}, later ${again}`)
      }
      return seen.join('; ')
    },
  )
})
