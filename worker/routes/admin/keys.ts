/**
 * Callers' keys: made, listed, changed, rotated, revoked. A key is shown once, when it is made. Revoked means from the next
 * request on: the organisation's usage object is told, which every answer waits for; KV, which knows a minute later, only
 * spares the object the asking.
 */
import * as z from 'zod'
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type Caller, caller } from '../../schema/caller.ts'
import { orgId } from '../../schema/ids.ts'
import { ms } from '../../schema/units.ts'
import { callerRecords } from '../../store/key-records.ts'
import { makeKey } from '../../store/keys.ts'
import { policyInForce } from '../../store/policy-records.ts'
import { newestPepper } from '../../store/secret-hmac.ts'
import { change } from './change.ts'
import { callerFor, keyParams, keyView, keyViewOf, maySee } from './key-view.ts'
import { cursor, limit, nextCursor } from './paging.ts'
import { type AdminWorld, type Call, type Route, route } from './route.ts'

const { label, org, team, tier, tags, policy, scopes, budgets, rates, expensive, expires_at_ms } = caller.shape
const createBody = () => z.strictObject({ label, org, team, tier, tags, policy, scopes, budgets, rates, expensive, expires_at_ms })
/** Without the defaults: what is absent stays as it is. */
const changeBody = () =>
  z
    .strictObject({
      label,
      team: team.unwrap(),
      tier: tier.unwrap(),
      tags: tags.unwrap(),
      policy: policy.unwrap(),
      scopes: scopes.unwrap(),
      expires_at_ms: expires_at_ms.unwrap(),
    })
    .partial()
const made = () =>
  keyView().extend({
    key: z.string().describe('Shown this once; it is stored nowhere.'),
    policy_found: z
      .boolean()
      .describe('False where nobody has put the policy that `auto` means for this key: until then it is refused (503).'),
  })
/** A week to replace a key everywhere. */
const GRACE_AT_MOST_S = 604_800

export const KEY_ROUTES: Route[] = [
  route({
    id: 'keys.list',
    method: 'GET',
    path: '/admin/v1/keys',
    role: 'viewer',
    reach: 'org',
    summary: "Callers' keys, by their last four characters",
    query: () => z.strictObject({ org: orgId.optional(), team: z.string().max(60).optional(), limit: limit(), cursor: cursor() }),
    answer: () => z.strictObject({ keys: z.array(keyView()), cursor: nextCursor() }),
    async handle({ actor, query, world }) {
      const page = await callerRecords(world.env.KV).page(query.cursor, query.limit)
      const keys = page.records.filter(
        record =>
          maySee(actor, record.org) &&
          (query.org === undefined || record.org === query.org) &&
          (query.team === undefined || record.team === query.team),
      )
      return ok({ keys: keys.map(record => keyViewOf(record, world.now_ms)), cursor: page.cursor })
    },
  }),
  route({
    id: 'keys.get',
    method: 'GET',
    path: '/admin/v1/keys/:key_id',
    role: 'viewer',
    reach: 'org',
    summary: "One caller's key",
    params: keyParams,
    answer: keyView,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      return found.ok ? ok(keyViewOf(found.value, call.world.now_ms)) : found
    },
  }),
  route({
    id: 'keys.create',
    method: 'POST',
    path: '/admin/v1/keys',
    role: 'admin',
    reach: 'org',
    summary: 'Makes a key and shows it once',
    body: createBody,
    answer: made,
    status: 201,
    async handle(call) {
      if (!maySee(call.actor, call.body.org)) return err({ code: 'forbidden', message: `This key makes keys for ${call.actor.org} only.` })
      return create(call, call.body)
    },
  }),
  route({
    id: 'keys.change',
    method: 'PATCH',
    path: '/admin/v1/keys/:key_id',
    role: 'admin',
    reach: 'org',
    summary: 'Changes what a key may do; known everywhere within a minute and a half',
    params: keyParams,
    body: changeBody,
    answer: keyView,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      const after: Caller = { ...found.value, ...withoutAbsent(call.body) }
      const done = await change(call, { ...of(after), before: found.value, after, detail: call.body }, () =>
        callerRecords(call.world.env.KV).put(after),
      )
      return done.ok ? ok(keyViewOf(after, call.world.now_ms)) : done
    },
  }),
  route({
    id: 'keys.rotate',
    method: 'POST',
    path: '/admin/v1/keys/:key_id/rotate',
    role: 'admin',
    reach: 'org',
    summary: 'Makes a new key with the same rights and shows it once; the old one ends after a grace',
    params: keyParams,
    body: () => z.strictObject({ grace_s: z.int().min(0).max(GRACE_AT_MOST_S).default(0).describe('0: the old key is revoked at once.') }),
    answer: () => made().extend({ replaces: z.strictObject({ key_id: keyParams().shape.key_id, ends_at_ms: ms }) }),
    status: 201,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      const old = found.value
      if (keyViewOf(old, call.world.now_ms).status !== 'active')
        return err({ code: 'conflict', message: 'This key has ended already; make a new one.' })
      const fresh = await create(call, { ...fieldsOf(old) }, { replaces: old.key_id })
      if (!fresh.ok) return fresh
      const ends_at_ms = Math.min(old.expires_at_ms ?? Number.POSITIVE_INFINITY, call.world.now_ms + call.body.grace_s * 1000)
      const ended = await end(call, old, call.body.grace_s === 0 ? { revoked_at_ms: ends_at_ms } : { expires_at_ms: ends_at_ms })
      return ended.ok ? ok({ ...fresh.value, replaces: { key_id: old.key_id, ends_at_ms } }) : ended
    },
  }),
  route({
    id: 'keys.revoke',
    method: 'POST',
    path: '/admin/v1/keys/:key_id/revoke',
    role: 'admin',
    reach: 'org',
    summary: 'Ends a key; no request of it begins from now on',
    params: keyParams,
    answer: keyView,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      const ended = await end(call, found.value, { revoked_at_ms: found.value.revoked_at_ms ?? call.world.now_ms })
      return ended.ok ? ok(keyViewOf(ended.value, call.world.now_ms)) : ended
    },
  }),
]

type Fields = z.output<ReturnType<typeof createBody>>

async function create(
  call: Call,
  fields: Fields,
  more: Record<string, unknown> = {},
): Promise<Result<z.output<ReturnType<typeof made>>, GatewayError>> {
  const pepper = newestPepper(call.world.variables)
  if (!pepper) return err({ code: 'keys_unavailable', message: 'the operator has to set KEY_PEPPER.' })
  const { key, caller: record } = await makeKey(pepper.pepper, { ...fields, pepper: pepper.name }, call.world.now_ms)
  // Before the key is made: nobody would be shown one that is made and then not answered.
  const policy_found = (await policyInForce(call.world.env.KV, record.policy)) !== null
  const done = await change(call, { ...of(record), before: null, after: record, detail: { ...fields, ...more } }, () =>
    callerRecords(call.world.env.KV).put(record),
  )
  if (!done.ok) return done
  return ok({ ...keyViewOf(record, call.world.now_ms), key, policy_found })
}

async function end(call: Call, before: Caller, ending: Partial<Caller>): Promise<Result<Caller, GatewayError>> {
  const after = { ...before, ...ending }
  const done = await change(call, { ...of(after), before, after, detail: ending }, async () => {
    if (after.revoked_at_ms !== null) await refuseNow(call.world, after)
    await callerRecords(call.world.env.KV).put(after)
  })
  return done.ok ? ok(after) : done
}

/** First where it holds at once. */
const refuseNow = ({ env }: AdminWorld, { org, key_id }: Caller): Promise<void> => env.USAGE.getByName(org).revoke(key_id)

const of = ({ key_id, org }: Caller) => ({ subject: key_id, org })
const fieldsOf = ({ label, org, team, tier, tags, policy, scopes, budgets, rates, expensive, expires_at_ms }: Caller): Fields => ({
  label,
  org,
  team,
  tier,
  tags,
  policy,
  scopes,
  budgets,
  rates,
  expensive,
  expires_at_ms,
})

function withoutAbsent<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>
  }
}
