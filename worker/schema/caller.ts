/**
 * A caller: who a key stands for, and what it may do. Stored in KV under `caller/<key id>`, without anything from which
 * the key could be made: only an HMAC of its secret under a pepper that KV never holds.
 */
import * as z from 'zod'
import { endpointName } from './endpoint.ts'
import { keyId, orgId, policyName } from './ids.ts'
import { budgets, rates, shares } from './limits.ts'
import { limitMicros, ms } from './units.ts'

export const scopes = z.strictObject({
  /** Policies this key may name; null for all. */
  policies: z.array(policyName).nullable().default(null),
  /** Target ids, or `provider/*`; null for all. Holds on every edge: first choice, fallback, hedge. */
  targets: z.array(z.string()).nullable().default(null),
  /** May it name a target or model itself, or only `auto` and policies? */
  may_pin: z.boolean().default(true),
  /** Inference only in these regions; null for anywhere. */
  regions: z.array(z.string()).nullable().default(null),
  /** Only these kinds of request, such as `chat` or `embeddings`; all where absent. */
  endpoints: z.array(endpointName).min(1).optional(),
  /** Only from these internet addresses or ranges of them (CIDR), of either kind; from anywhere where absent. */
  addresses: z
    .array(
      z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], 'an internet address, or a range of them as in 192.0.2.0/24 or 2001:db8::/32'),
    )
    .min(1)
    .max(50)
    .optional(),
  /** No request that is expected to cost more than this, whatever its policy allows. */
  cost_at_most_micros: limitMicros.optional(),
})

export const caller = z.strictObject({
  v: z.literal(1),
  key_id: keyId,
  /** Hex HMAC-SHA-256 of the key's secret under the pepper named by `pepper`. */
  secret_hmac: z.string().regex(/^[0-9a-f]{64}$/),
  pepper: z.string().default('1'),
  last4: z.string().length(4),
  label: z.string().max(100),
  /** Owner of the budget: one UsageObject each. */
  org: orgId,
  team: z.string().max(60).nullable().default(null),
  /** Free labels that rules may read as `caller.tier`, `caller.tags`. */
  tier: z.string().max(30).default('standard'),
  tags: z.array(z.string().max(60)).max(20).default([]),
  policy: policyName.default('default'),
  scopes: scopes.default({ policies: null, targets: null, may_pin: true, regions: null }),
  /** What this key alone may spend and do; those of its team and organisation are in `limits/<org>`. */
  budgets,
  rates,
  expensive: shares,
  created_at_ms: ms,
  expires_at_ms: ms.nullable().default(null),
  revoked_at_ms: ms.nullable().default(null),
})
export type Caller = z.infer<typeof caller>
