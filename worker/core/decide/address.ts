/**
 * Where calls to a provider go, from its entry in the catalogue and the configuration: or the one sentence that says what is
 * missing or wrong. A target's address comes from nowhere else, and never from a request.
 */
import type { Provider } from '../../schema/catalogue.ts'
import { err, ok, type Result } from '../result.ts'
import { readServiceAccount } from './service-account.ts'

/** Plain variables and secrets by name, as the operator set them. */
export type Variables = Record<string, string | undefined>

/** A variable's text without blanks around it; empty where it is not set, or is a binding and no text at all. */
export function textOf(variables: Variables, name: string): string {
  const value: unknown = variables[name]
  return typeof value === 'string' ? value.trim() : ''
}

/** What is set for a provider's credential: all of it, but for a service account, where either will do. */
export function credentialVariables({ auth }: Provider): string[] {
  switch (auth.style) {
    case 'none':
      return []
    case 'sigv4':
      return [auth.access_key_id, auth.secret, auth.region]
    case 'service_account':
      return [auth.secret, auth.token]
    default:
      return [auth.secret]
  }
}

/** Why a provider cannot be called with what is set; null where it can. */
function credentialProblem(provider: Provider, variables: Variables): string | null {
  const { auth, how_to_enable } = provider
  if (auth.style !== 'service_account') return credentialVariables(provider).every(name => textOf(variables, name)) ? null : how_to_enable
  if (textOf(variables, auth.token)) return null
  const file = textOf(variables, auth.secret)
  if (!file) return how_to_enable
  return readServiceAccount(file) ? null : `${auth.secret} is not the JSON file of a service account's key. ${how_to_enable}`
}

/** Endings that no public name has (RFC 6761, RFC 6762, and what private networks use). */
const PRIVATE_ENDINGS = ['localhost', 'local', 'internal', 'lan', 'home', 'corp']

/** The address that calls to a provider begin with, without a slash at its end; or the sentence that says what is missing or wrong. */
export function baseAddress(provider: Provider, variables: Variables): Result<string, string> {
  const missing = err(provider.how_to_enable)
  if (provider.enabled_by !== undefined && textOf(variables, provider.enabled_by) !== 'on') return missing
  const problem = credentialProblem(provider, variables)
  if (problem !== null) return err(problem)
  if (provider.base_url_var !== undefined) {
    const value = textOf(variables, provider.base_url_var)
    if (!value) return missing
    return checkedAddress(value, 'operator', `${provider.base_url_var} is not usable`, provider)
  }
  if (provider.base_url === undefined) return err(`${provider.id} has no address in the catalogue. ${provider.how_to_enable}`)
  let address = provider.base_url
  for (let open = address.indexOf('{'); open >= 0; open = address.indexOf('{', open)) {
    const close = address.indexOf('}', open)
    if (close < 0) return err(`${provider.id}: its address has a "{" without a "}". ${provider.how_to_enable}`)
    const name = address.slice(open + 1, close)
    const value = textOf(variables, name)
    if (!value) return missing
    // A part fills one segment or label and cannot end it: nothing that separates host, path, query or user-info.
    if (!/^[A-Za-z0-9_-]{1,100}$/.test(value)) {
      return err(`${name} may hold letters, digits, "-" and "_" only. ${provider.how_to_enable}`)
    }
    address = address.slice(0, open) + value + address.slice(close + 1)
    open += value.length
  }
  return checkedAddress(address, 'catalogue', `${provider.id}: its address is not usable`, provider)
}

/**
 * Plain http is for the operator's own server, named in the operator's own configuration: a credential in the catalogue
 * never travels in the clear, nor to a host inside a network. User-info would put a second credential into every log line,
 * and a query or fragment would swallow the path that is appended.
 */
function checkedAddress(text: string, from: 'operator' | 'catalogue', what: string, provider: Provider): Result<string, string> {
  const wrong = (why: string) => err(`${what}: ${why}. ${provider.how_to_enable}`)
  if (!URL.canParse(text)) return wrong('it is not a URL')
  const url = new URL(text)
  const plain = url.protocol === 'http:' && from === 'operator'
  if (url.protocol !== 'https:' && !plain)
    return wrong(from === 'operator' ? 'it must begin with http:// or https://' : 'it must begin with https://')
  if (url.username || url.password) return wrong('it must not carry a user name or password')
  // Also an empty one, of which the parser says that it is none: it would swallow the path all the same.
  if (/[?#]/.test(url.href)) return wrong('it must not have a query or fragment')
  if (from === 'catalogue' && !isPublic(url)) return wrong('it must name a public host on the standard port')
  let end = url.href.length
  while (url.href[end - 1] === '/') end -= 1
  return ok(url.href.slice(0, end))
}

/**
 * A host on the internet and not one inside a network. The URL parser has already turned every spelling of an IPv4 address
 * into the dotted one, and an IPv6 address keeps its brackets.
 */
export function isPublic(url: URL): boolean {
  const host = url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname
  const last = host.slice(host.lastIndexOf('.') + 1)
  return url.port === '' && host.includes('.') && !/^\d+$/.test(last) && !host.startsWith('[') && !PRIVATE_ENDINGS.includes(last)
}
