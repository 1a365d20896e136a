/**
 * How much more a target takes, as it said beside its answer or its refusal, in the names of the caller's format.
 */

import type { Call, Carrier } from './call.ts'
import type { Trial } from './trial.ts'

const NOTHING: Record<string, string> = {}

export function limitsTold(
  { dialect }: Pick<Call, 'dialect'>,
  { headers, headers_at_ms, target }: Trial,
  carrier: Carrier,
): Record<string, string> {
  if (headers === null || headers_at_ms === null || dialect.rate_limits === undefined) return NOTHING
  const limits = carrier.dialect(target.provider.dialect)?.rate_limits?.read(headers, headers_at_ms)
  return limits ? dialect.rate_limits.write(limits, headers_at_ms) : NOTHING
}
