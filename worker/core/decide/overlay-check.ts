/**
 * What is wrong with a catalogue overlay that has the right shape. An overlay says where requests go, and with them
 * providers' credentials; so an address is checked when it is written as it is when it is called, and a secret that belongs
 * to a provider of the bundled catalogue is only ever sent to that provider's own domain.
 */
import type { Catalogue, CatalogueOverlay, Provider } from '../../schema/catalogue.ts'
import { baseAddress, credentialVariables, type Variables } from './address.ts'

const PROBLEMS_AT_MOST = 20

/** `whole`: the bundle with the overlay over it. */
export function overlayProblems(bundle: Catalogue, overlay: CatalogueOverlay, whole: Catalogue): string[] {
  const providers = new Set(whole.providers.map(provider => provider.id))
  const known = new Set([...bundle.providers, ...bundle.targets].map(each => each.id))
  const problems = [
    ...overlay.providers.flatMap(provider => addressProblem(provider)),
    ...overlay.providers.flatMap(provider => strayingSecret(provider, bundle)),
    ...overlay.targets
      .filter(target => !providers.has(target.provider))
      .map(target => `target ${target.id}: there is no provider "${target.provider}"`),
    ...overlay.targets
      .filter(target => typeof target.quality === 'string' && whole.qualities[target.quality] === undefined)
      .map(target => `target ${target.id}: there are no qualities named "${String(target.quality)}"`),
    ...overlay.without.filter(id => !known.has(id)).map(id => `without: there is no provider or target "${id}" to leave out`),
    ...twice(overlay.providers.map(each => each.id)),
    ...twice(overlay.targets.map(each => each.id)),
  ]
  return problems.slice(0, PROBLEMS_AT_MOST)
}

/** An address that is in an operator's variable is checked where the variable is read. */
function addressProblem(provider: Provider): string[] {
  if (provider.base_url === undefined) return provider.base_url_var === undefined ? [`provider ${provider.id}: it has no address`] : []
  const filled: Variables = {}
  for (const [, name] of provider.base_url.matchAll(/\{([A-Z][A-Z0-9_]*)\}/g)) if (name) filled[name] = 'x'
  for (const name of credentialVariables(provider)) filled[name] = 'x'
  if (provider.enabled_by !== undefined) filled[provider.enabled_by] = 'on'
  const address = baseAddress(provider, filled)
  return address.ok ? [] : [`provider ${address.error}`]
}

function strayingSecret(provider: Provider, bundle: Catalogue): string[] {
  return secretsOf(provider).flatMap(secret => straying(provider, secret, bundle))
}

const secretsOf = ({ auth }: Provider): string[] =>
  auth.style === 'none' ? [] : auth.style === 'service_account' ? [auth.secret, auth.token] : [auth.secret]

function straying(provider: Provider, secret: string, bundle: Catalogue): string[] {
  const owners = bundle.providers.filter(each => secretsOf(each).includes(secret))
  if (owners.length === 0 || owners.some(owner => domainOf(owner) !== null && domainOf(owner) === domainOf(provider))) return []
  return [`provider ${provider.id}: the secret ${secret} is ${owners[0]?.id}'s, and may be sent to that provider's own domain only`]
}

/** The last two labels of the host: regional endpoints of a provider share them. Null where a variable names the host. */
function domainOf({ base_url }: Provider): string | null {
  const filled = base_url?.replace(/\{[A-Z0-9_]+\}/g, 'x') ?? ''
  return URL.canParse(filled) ? new URL(filled).hostname.split('.').slice(-2).join('.') : null
}

function twice(ids: string[]): string[] {
  return [...new Set(ids.filter((id, i) => ids.indexOf(id) !== i))].map(id => `"${id}" is there twice`)
}
