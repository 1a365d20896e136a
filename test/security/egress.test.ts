/** Where calls may go, and with which key: over every provider of the catalogue, and over addresses as an attacker would write them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import bundled from '../../policies/catalogue.json'
import { baseAddress, credentialVariables } from '../../worker/core/decide/address.ts'
import { compileCatalogue, everyTarget } from '../../worker/core/decide/catalogue.ts'
import type { Catalogue, Provider } from '../../worker/schema/catalogue.ts'

const catalogue = bundled as unknown as Catalogue
const NOW_MS = Date.UTC(2026, 10, 24)
const OPERATORS_OWN = 'https://models.operator.example/v1'

/** Every variable that switches a provider on, each secret naming its own provider. */
function everythingOn(): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const provider of catalogue.providers) {
    for (const name of credentialVariables(provider)) variables[name] = `secret-of-${provider.id}`
    if (provider.base_url_var) variables[provider.base_url_var] = OPERATORS_OWN
    if (provider.models_var) variables[provider.models_var] = 'llama3.3'
    if (provider.enabled_by) variables[provider.enabled_by] = 'on'
    for (const [, name = ''] of (provider.base_url ?? '').matchAll(/\{([A-Z_]+)\}/g)) variables[name] = 'eu-west-1'
  }
  return variables
}
const live = compileCatalogue(catalogue, everythingOn(), NOW_MS, '')
const targets = everyTarget(live)

describe('a call', () => {
  it('is made for every provider here', () => expect(targets.length).toBeGreaterThan(80))
  it.each(targets.map(target => [target.id, target] as const))(
    'to %s goes to its provider’s own host',
    (_, { provider, chat_url, stream_url }) => {
      const base = baseAddress(provider, everythingOn())
      expect(base.ok).toBe(true)
      if (!base.ok) return
      for (const url of [chat_url, stream_url]) {
        expect(new URL(url).origin).toBe(new URL(base.value).origin)
        expect(url.startsWith(`${base.value}/`)).toBe(true)
      }
    },
  )
  it('never carries a secret to a host that another secret goes to, but where one owner has several names', () => {
    const by_host = Map.groupBy(
      targets.filter(target => target.provider.auth.style !== 'none'),
      target => new URL(target.chat_url).hostname,
    )
    const shared = [...by_host].map(([host, some]) => [host, new Set(some.map(target => secretOf(target.provider)))] as const)
    expect(shared.filter(([, secrets]) => secrets.size > 1)).toEqual([])
  })
})

const secretOf = ({ auth }: Provider) => (auth.style === 'none' ? null : auth.secret)
const openai = catalogue.providers.find(each => each.id === 'openai') as Provider
const at = (base_url: string) => baseAddress({ ...openai, base_url }, { OPENAI_API_KEY: 'secret' })

describe('an address that was stored before anybody checked it', () => {
  /** The link-local address of clouds' metadata, and an own machine, in every spelling that a parser somewhere takes. */
  const PRIVATE = [
    ...[
      'http://169.254.169.254/',
      'https://169.254.169.254/',
      'https://0xA9FEA9FE/',
      'https://2852039166/',
      'https://0251.0376.0251.0376/',
    ],
    ...['https://[::ffff:169.254.169.254]/', 'https://[::ffff:a9fe:a9fe]/', 'https://[fd00:ec2::254]/', 'https://127.1/', 'https://0/'],
    ...[
      'https://localhost/',
      'https://localhost./',
      'https://LOCALHOST/',
      'https://x.localhost/',
      'https://api.internal/',
      'https://db.corp/',
    ],
    ...['https://router.lan/', 'https://printer.local/', 'https://intranet/', 'https://[::1]/', 'https://[fe80::1]/', 'https://10.0.0.1/'],
    ...['https://metadata.google.internal/', 'https://①②⑦.0.0.1/', 'https://１２７.０.０.１/', 'https://127。0。0。1/', 'https://[::]/'],
    ...[
      'https://user@api.openai.com/',
      'https://user:pass@api.openai.com/',
      'https://api.openai.com@169.254.169.254/',
      'https://api.openai.com:8443/',
    ],
    ...['https://api.openai.com/v1?x=', 'https://api.openai.com/v1#', 'ftp://api.openai.com/', 'file:///etc/passwd', 'javascript:alert(1)'],
    ...['data:text/plain,x', 'https:///', 'https://', '//api.openai.com', 'https://api.openai.com\\@169.254.169.254/x?y'],
  ]
  it.each(PRIVATE)('%s is not called', address => {
    const base = at(address)
    // A backslash is a slash to a URL parser, so what stands before it is the host.
    if (base.ok) expect([new URL(base.value).hostname, address.includes('\\')]).toEqual(['api.openai.com', true])
    else expect(base.error).toContain(openai.id)
  })
  it('whatever it is, what is called is https, a public name and the standard port', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl({ withQueryParameters: true, withFragments: true }),
          fc.string(),
          fc.ipV4().map(ip => `https://${ip}/`),
          fc.ipV6().map(ip => `https://[${ip}]/`),
        ),
        text => {
          const base = at(text)
          if (!base.ok) return
          const url = new URL(base.value)
          expect([url.protocol, url.port, url.username, url.search, url.hash]).toEqual(['https:', '', '', '', ''])
          expect(url.hostname).toMatch(/\.[a-z][a-z0-9-]*\.?$/)
        },
      ),
      { numRuns: 2_000 },
    )
  })
  it('a look-alike in another script is another host, and gets no key but by an owner’s overlay', () => {
    const base = at('https://api.оpenai.com/v1')
    expect(base.ok && new URL(base.value).hostname).toMatch(/^api\.xn--penai-/)
  })
  it.each(['evil.example/', 'a.b', '../..', 'a@b', 'a:443', 'a?b', 'a#b', 'a/b', '', ' ', 'a\r\nb'])(
    'no variable inside it can hold %j and so change the host',
    value => {
      const azure = catalogue.providers.find(each => each.id === 'azure') as Provider
      expect(baseAddress(azure, { ...everythingOn(), AZURE_OPENAI_RESOURCE: value }).ok).toBe(false)
    },
  )
})
