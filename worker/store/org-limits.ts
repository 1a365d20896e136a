/**
 * The limits of organisations and teams, `limits/<org>` in KV. An isolate reads an organisation's record when it first meets one of its
 * keys, and again with the keys' own records; from then on a key carries everything that its requests are judged by.
 */
import type { Caller } from '../schema/caller.ts'
import type { OrgId } from '../schema/ids.ts'
import { type AccountLimits, type Limits, type OrgLimits, orgLimits, type Unusual } from '../schema/limits.ts'
import type { Ms } from '../schema/units.ts'
import { putKv } from './kv-put.ts'
import { keyAccount, ORG_ACCOUNT, teamAccount } from './usage-accounts.ts'

/** A caller, with all the limits that its requests are judged by; an empty list for one that has none. */
export type LimitedCaller = Caller & { limits: readonly AccountLimits[] }

/** Shorter than a key's record is believed, so that a key that is read again finds limits of the same age. */
const FRESH_MS: Ms = 15_000
/** Beyond, the oldest goes. */
const CACHED = 2_000

export const limitsKey = (org: OrgId): string => `limits/${org}`

type Known = { record: OrgLimits | null; read_at_ms: Ms }
const known = new Map<OrgId, Known>()

/** Null where there are none. Throws where KV does not answer, or holds what cannot be read: a limit must not vanish by a slip. */
export async function storedLimits(kv: KVNamespace, org: OrgId): Promise<OrgLimits | null> {
  const stored: unknown = await kv.get(limitsKey(org), 'json')
  return stored === null ? null : orgLimits.parse(stored)
}

export const putLimits = (kv: KVNamespace, record: OrgLimits): Promise<void> => putKv(kv, limitsKey(record.org), JSON.stringify(record))

/** Throws as `storedLimits` does, where this isolate knows nothing older. */
export async function limited(caller: Caller, kv: KVNamespace, now_ms: Ms): Promise<LimitedCaller> {
  let entry = known.get(caller.org)
  if (!entry || now_ms - entry.read_at_ms > FRESH_MS) {
    entry = { record: await storedLimits(kv, caller.org), read_at_ms: now_ms }
    known.delete(caller.org)
    known.set(caller.org, entry)
    if (known.size > CACHED) known.delete(known.keys().next().value ?? caller.org)
  }
  return { ...caller, limits: limitsOf(caller, entry.record) }
}

/** From the narrowest to the widest, without those that limit nothing. What is unusual is watched for the key and for the whole. */
export function limitsOf(caller: Caller, record: OrgLimits | null): AccountLimits[] {
  const { key_id, budgets, rates, expensive, team } = caller
  const ofTeam = team === null ? undefined : record?.teams[team]
  const unusual = record?.unusual ?? null
  return [
    ...some(keyAccount(key_id), { budgets, rates, expensive }, unusual),
    ...(team === null || !ofTeam ? [] : some(teamAccount(team), ofTeam, null)),
    ...(record ? some(ORG_ACCOUNT, record.limits, unusual) : []),
  ]
}

function some(account: string, { budgets, rates, expensive }: Limits, unusual: Unusual | null): AccountLimits[] {
  if (!budgets.length && !rates.length && !expensive.length && unusual === null) return []
  return [{ account, budgets, rates, expensive, ...(unusual && { unusual }) }]
}

/** For tests: what this isolate remembers is gone. */
export const forgetLimits = (): void => known.clear()
