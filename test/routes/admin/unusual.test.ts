/** Unusual spend as its caller and its admins meet it: refused with the reason, shown, written down and lifted. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { forgetCallers } from '../../../worker/store/callers.ts'
import { forgetLimits } from '../../../worker/store/org-limits.ts'
import { batchOf, intent, settlement } from '../../store/fixture.ts'
import { adminOf, ask, callerOf, emptyRouter, errorOf, told } from './asking.ts'

const HOUR_MS = 3_600_000
const RULE = { times: 10, at_least_micros: 100, after_hours: 3, kind: 'hard' as const }
let admin: string
let caller: { key: string; key_id: string }
beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  forgetLimits()
  admin = await adminOf('admin')
  caller = await callerOf({ org: 'acme' })
})

const chat = () =>
  ask('POST', '/v1/chat/completions', {
    key: caller.key,
    body: { model: 'demo/large', messages: [{ role: 'user', content: 'What is the capital of France?' }] },
  })
/** Three usual hours of a few micro-dollars each, and one that is all spent. */
async function runAway(): Promise<void> {
  await told('PUT', '/admin/v1/orgs/acme/limits', { key: admin, body: { unusual: RULE } })
  const accounts = [`key:${caller.key_id}`, 'org'].map(account => ({ account, budgets: [], rates: [], expensive: [], unusual: RULE }))
  const limited = { hard: true, accounts, tokens: 1, output_micros_per_mtok: 1 }
  const cost = async (at_ms: number, cost_micros: number) => {
    vi.setSystemTime(at_ms)
    const one = intent({ org: 'acme', key_id: caller.key_id, reserved_micros: cost_micros, limited })
    await env.USAGE.getByName('acme').commit(batchOf([one], [settlement(one, { cost_micros })]))
  }
  const now_ms = Date.now()
  vi.useFakeTimers({ toFake: ['Date'] })
  for (let i = 3; i >= 0; i--) await cost(now_ms - i * HOUR_MS, i === 0 ? 100 : 10)
  vi.useRealTimers()
  forgetLimits()
  forgetCallers()
}

describe('a caller who spends ten times the usual', () => {
  it('gets 402 with what is usual, until when, and who can lift it', async () => {
    expect((await chat()).status).toBe(200)
    await runAway()
    const response = await chat()
    expect([response.status, Number(response.headers.get('retry-after')) <= 3_600]).toEqual([402, true])
    const { code, message } = await errorOf(response)
    expect(code).toBe('unusual_spend')
    expect(message).toMatch(
      /^Unusual spend: an hour of this (key|organisation) usually costs \$0.000010, .*Until 20\d\d-.*:00:00.000Z, or until an admin lifts it\.$/,
    )
  })
  it('goes on once an admin has lifted it, for the key and for the organisation, which the audit log knows', async () => {
    await runAway()
    const path = '/admin/v1/orgs/acme/unusual-spend'
    type Watched = { accounts: { account: string; usual_micros: number; unusual: boolean }[] }
    expect((await chat()).status).toBe(402)
    const shown = await told<Watched>('GET', path, { key: admin })
    expect(shown.accounts.map(each => [each.account, each.usual_micros, each.unusual])).toEqual([
      [`key:${caller.key_id}`, 10, true],
      ['org', 10, true],
    ])
    for (const { account } of shown.accounts) await told('POST', `${path}/lift`, { key: admin, body: { account } })
    expect((await chat()).status).toBe(200)
    const { entries } = await told<{ entries: { action: string; detail: unknown }[] }>('GET', '/admin/v1/audit', { key: admin })
    expect(entries.filter(({ action }) => action === 'unusual.lift').map(({ detail }) => detail)).toEqual([
      { account: 'org' },
      { account: `key:${caller.key_id}` },
    ])
  })
  it('is stopped by nobody once the organisation does not want it any more', async () => {
    await runAway()
    await told('PUT', '/admin/v1/orgs/acme/limits', { key: admin, body: { unusual: null } })
    forgetLimits()
    forgetCallers()
    expect((await chat()).status).toBe(200)
  })
})

describe('lifting', () => {
  it('is for admins of that organisation, and of accounts that are watched', async () => {
    await runAway()
    const path = '/admin/v1/orgs/acme/unusual-spend/lift'
    const by = async (key: string, account = 'org') => (await ask('POST', path, { key, body: { account } })).status
    expect(await by(await adminOf('operator'))).toBe(403)
    expect(await by(await adminOf('admin', { org: 'other' }))).toBe(404)
    expect([await by(admin, 'key:nobody'), await by(admin, 'team:red'), await by(admin, "org' OR 1=1")]).toEqual([404, 400, 400])
    expect((await chat()).status).toBe(402)
  })
})

describe('what is unusual', () => {
  it.each([
    { times: 1 },
    { times: 10 },
    { times: 10, kind: 'off' },
    { times: 10, kind: 'hard', after_hours: 2 },
    { times: 10, kind: 'hard', extra: 1 },
  ])('is not said by %j', async unusual => {
    expect((await ask('PUT', '/admin/v1/orgs/acme/limits', { key: admin, body: { unusual } })).status).toBe(400)
  })
})
