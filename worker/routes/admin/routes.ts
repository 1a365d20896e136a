/**
 * The table of the admin API: every route, in the order of the document.
 */
import { ADMIN_KEY_ROUTES } from './admin-keys.ts'
import { AUDIT_ROUTES } from './audit.ts'
import { BUDGET_ROUTES } from './budgets.ts'
import { CATALOGUE_ROUTES } from './catalogue.ts'
import { DECISION_ROUTES } from './decisions.ts'
import { KEY_ROUTES } from './keys.ts'
import { LIMIT_ROUTES } from './limits.ts'
import { documentRoutes } from './openapi.ts'
import { POLICY_ROUTES } from './policies.ts'
import { PROVIDER_KEY_ROUTES } from './provider-keys.ts'
import { ROLLUP_ROUTES } from './rollups.ts'
import type { Route } from './route.ts'
import { TARGET_ROUTES } from './targets.ts'
import { UNUSUAL_ROUTES } from './unusual.ts'
import { USAGE_ROUTES } from './usage.ts'

export const ADMIN_ROUTES: readonly Route[] = [
  ...KEY_ROUTES,
  ...PROVIDER_KEY_ROUTES,
  ...BUDGET_ROUTES,
  ...LIMIT_ROUTES,
  ...UNUSUAL_ROUTES,
  ...USAGE_ROUTES,
  ...ROLLUP_ROUTES,
  ...DECISION_ROUTES,
  ...POLICY_ROUTES,
  ...TARGET_ROUTES,
  ...CATALOGUE_ROUTES,
  ...ADMIN_KEY_ROUTES,
  ...AUDIT_ROUTES,
  ...documentRoutes(() => ADMIN_ROUTES),
]
