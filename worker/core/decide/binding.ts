/**
 * A provider that this Worker may be bound to. Where the binding is there, calls go by it and not over the network: there is no address
 * to set, and no credential that could leak.
 */
import type { Provider } from '../../schema/catalogue.ts'
import type { Variables } from './address.ts'

/** Only has to be an address; no call goes to it. */
const NOWHERE = 'https://ai.binding.invalid/v1'

export function bound(provider: Provider, variables: Variables): Provider {
  const binding: unknown = provider.binding === undefined ? undefined : variables[provider.binding]
  if (typeof binding !== 'object' || binding === null) return provider
  return { ...provider, transport: 'ai_binding', base_url: NOWHERE, auth: { style: 'none' } }
}
