/**
 * A configuration that switches on every hosted provider of the catalogue, so that decisions are made over all targets.
 * The keys are not keys, and the benchmark's network ends at this machine: nothing can be called with them.
 */
import { credentialVariables } from '../../worker/core/decide/address.ts'
import type { Catalogue } from '../../worker/schema/catalogue.ts'

export function everythingOn({ providers }: Catalogue): Record<string, string> {
  const on: Record<string, string> = {}
  for (const provider of providers) {
    if (provider.transport !== 'network' || provider.base_url === undefined) continue
    for (const name of credentialVariables(provider)) on[name] = 'not-a-key'
    if (provider.enabled_by !== undefined) on[provider.enabled_by] = 'on'
    for (const [, variable] of provider.base_url.matchAll(/\{([A-Z0-9_]+)\}/g)) on[variable as string] = 'bench'
  }
  return on
}
