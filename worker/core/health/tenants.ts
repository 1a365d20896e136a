/**
 * Who has said what against a target. One tenant can make any target fail with a request that breaks it, so what each has put into the sums is
 * known, and who was served meanwhile.
 */
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'

type Rules = HealthRules['suspicion']

/** Tenants told apart at once, a bound on what is stored; of those that fail, or of those that are answered, the one heard of longest ago makes room, and what it added stays in the sum. */
const TENANTS_MAX = 8

/** What one tenant's failures have put into the sums, and whether it was served. */
export type Tenant = {
  org: string
  fast: number
  slow: number
  /** Failures since it was last answered. */
  row: number
  failing_since_ms: Ms | null
  ok_sent_ms: Ms | null
  failed_ms: Ms | null
  seen_ms: Ms
}

export const tenantOf = (tenants: Tenant[], org: string, now_ms: Ms): Tenant =>
  tenants.find(tenant => tenant.org === org) ?? {
    org,
    fast: 0,
    slow: 0,
    row: 0,
    failing_since_ms: null,
    ok_sent_ms: null,
    failed_ms: null,
    seen_ms: now_ms,
  }

export function withTenant(tenants: Tenant[], tenant: Tenant): Tenant[] {
  const others = tenants.filter(other => other.org !== tenant.org)
  if (others.length >= TENANTS_MAX) {
    // One that keeps failing is not forgotten for those that are answered, or it would be believed anew each time; nor those for it.
    const failing = others.filter(({ row }) => row > 0)
    const crowd = failing.length > TENANTS_MAX / 2 ? failing : others.filter(({ row }) => row === 0)
    const oldest = crowd.reduce((a, b) => (b.seen_ms < a.seen_ms ? b : a))
    others.splice(others.indexOf(oldest), 1)
  }
  return [...others, tenant]
}

/** `just_now`: they were a moment ago · `since`: since this tenant began to fail, which only a working target can have done. */
export function othersServed(
  tenants: readonly Tenant[],
  org: string,
  failing_since_ms: Ms,
  now_ms: Ms,
  rules: Rules,
): { just_now: boolean; since: boolean } {
  let just_now = false
  let since = false
  for (const { org: other, ok_sent_ms } of tenants) {
    if (other === org || ok_sent_ms === null) continue
    if (ok_sent_ms >= now_ms - rules.served_just_now_ms) just_now = true
    if (ok_sent_ms >= failing_since_ms && ok_sent_ms >= now_ms - rules.served_ms) since = true
  }
  return { just_now, since }
}

export const failedLately = ({ failed_ms }: Tenant, now_ms: Ms, rules: Rules) =>
  failed_ms !== null && failed_ms >= now_ms - rules.confirm_ms

/** What one tenant may put into a sum that opens at `threshold * share`. */
export const capOf = ({ open_at }: Rules['fast'], share: number, { tenant_share }: Rules) => open_at * share * tenant_share
