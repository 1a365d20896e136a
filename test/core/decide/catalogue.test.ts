import { describe, expect, it } from 'vitest'
import { compileCatalogue, everyTarget, maskOf } from '../../../worker/core/decide/catalogue.ts'
import { type Catalogue, catalogue } from '../../../worker/schema/catalogue.ts'
import { TASKS, type Task } from '../../../worker/schema/features.ts'

const SOURCE = { name: 'made up', as_of: '2026-01-01' }
const NOW_MS = Date.parse('2026-06-01T00:00:00Z')
const TERMS = { regions: ['eu'], retention_days: 0, trains_on_data: false, source: SOURCE }
const ENABLE = 'Set the secret NORTH_KEY.'

const price = (from: string, usd: number) => ({
  from,
  input_micros_per_mtok: usd * 1e6,
  output_micros_per_mtok: usd * 1e6,
  cache_read_micros_per_mtok: null,
  cache_write_micros_per_mtok: null,
  source: SOURCE,
})
const row = (task: Task | null, score: number, uncertainty: number) => ({ task, score, uncertainty, benchmark: 'made up', source: SOURCE })

const facts = {
  family: 'made-up',
  capability: {
    input: ['text', 'image'],
    output: ['text'],
    tools: true,
    parallel_tools: true,
    structured_output: 'json_schema',
    streaming: true,
    reasoning: false,
    logprobs: false,
    choices: false,
    prefill: null,
    context_tokens: 128_000,
    output_tokens: 16_000,
  },
  prices: [price('2026-01-01', 2)],
  quality: [row(null, 0.6, 0.05)],
  latency_prior: { first_token_ms: 500, tokens_per_second: 80, source: SOURCE },
  energy: { active_params_b: 8, total_params_b: 8, measured_j_per_token: null, confidence: 'disclosed', source: SOURCE },
}
const provider = (more: Record<string, unknown> = {}) => ({
  id: 'north',
  name: 'North',
  dialect: 'openai-chat',
  base_url: 'https://api.north.example/v1',
  auth: { style: 'bearer', secret: 'NORTH_KEY' },
  terms: TERMS,
  readiness: 'always_warm',
  how_to_enable: ENABLE,
  ...more,
})
const target = (more: Record<string, unknown> = {}) => ({ id: 'north/one', provider: 'north', model: 'one', ...facts, ...more })
const local = (more: Record<string, unknown> = {}) =>
  provider({
    id: 'own',
    base_url: undefined,
    base_url_var: 'OWN_URL',
    models_var: 'OWN_MODELS',
    auth: { style: 'none' },
    open_models: { ...facts, family: 'local', prices: [price('2026-01-01', 0)] },
    how_to_enable: 'Set OWN_URL and OWN_MODELS.',
    ...more,
  })

function made(providers: unknown[], targets: unknown[], more: Record<string, unknown> = {}): Catalogue {
  return catalogue.parse({ as_of: '2026-06-01', notice: '', providers, targets, ...more })
}
const compiled = (one: Catalogue, variables: Record<string, string> = { NORTH_KEY: 'k' }, now_ms = NOW_MS) =>
  compileCatalogue(one, variables, now_ms, '0123456789abcdef')
const only = (one: Catalogue, variables?: Record<string, string>, now_ms?: number) => {
  const [first] = compiled(one, variables, now_ms).targets
  if (!first) throw new Error('nothing is on')
  return first
}

describe('a provider is switched on by configuration', () => {
  const one = made([provider()], [target()])

  it('with its secret set', () => {
    expect(compiled(one).targets.map(each => each.id)).toEqual(['north/one'])
    expect(compiled(one).off).toEqual([])
  })
  it.each([
    ['without its secret', {}],
    ['with an empty secret', { NORTH_KEY: '' }],
    ['with a blank secret', { NORTH_KEY: '  ' }],
  ])('%s it is off, and the list says what would switch it on', (_, variables) => {
    expect(compiled(one, variables as Record<string, string>)).toMatchObject({
      targets: [],
      off: [{ provider: 'north', targets: 1, how_to_enable: ENABLE }],
    })
  })
  it('and by its switch as well, which must read `on`', () => {
    const switched = made([provider({ enabled_by: 'NORTH' })], [target()])
    expect(compiled(switched, { NORTH_KEY: 'k' }).targets).toEqual([])
    expect(compiled(switched, { NORTH_KEY: 'k', NORTH: 'off' }).targets).toEqual([])
    expect(compiled(switched, { NORTH_KEY: 'k', NORTH: 'true' }).targets).toEqual([])
    expect(compiled(switched, { NORTH_KEY: 'k', NORTH: 'on' }).targets).toHaveLength(1)
  })
  it('not by a binding that is no text, whatever the catalogue calls its secret', () => {
    const bound = { NORTH_KEY: { get: () => 'k' } } as unknown as Record<string, string>
    expect(compiled(one, bound)).toMatchObject({ targets: [], off: [{ provider: 'north' }] })
  })
  it('and one that is off leaves the others alone', () => {
    const two = made(
      [provider(), provider({ id: 'south', auth: { style: 'none' } })],
      [target(), target({ id: 'south/one', provider: 'south' })],
    )
    expect(compiled(two, {}).targets.map(each => each.id)).toEqual(['south/one'])
  })
})

describe('the address of a chat call', () => {
  it('is base and path', () => {
    expect(only(made([provider()], [target()])).chat_url).toBe('https://api.north.example/v1/chat/completions')
  })
  it('has one slash between them, however many the base ends in', () => {
    const slashed = made([provider({ base_url: 'https://api.north.example/v1//' })], [target()])
    expect(only(slashed).chat_url).toBe('https://api.north.example/v1/chat/completions')
  })
  it('holds the model where the format has it in the address, as one segment, and a stream may go elsewhere', () => {
    const paths = { chat_path: '/model/{model}/converse', stream_path: '/model/{model}/converse-stream' }
    const named = only(made([provider(paths)], [target({ model: 'maker/one-v1:0' })]))
    expect(named.chat_url).toBe('https://api.north.example/v1/model/maker%2Fone-v1%3A0/converse')
    expect(named.stream_url).toBe('https://api.north.example/v1/model/maker%2Fone-v1%3A0/converse-stream')
    expect(only(made([provider()], [target()])).stream_url).toBe('https://api.north.example/v1/chat/completions')
  })
  it('is there only with every part of a key that signs', () => {
    const auth = { style: 'sigv4' as const, access_key_id: 'NORTH_ID', secret: 'NORTH_KEY', region: 'NORTH_REGION', service: 'bedrock' }
    const signed = made([provider({ auth })], [target()])
    const all = { NORTH_ID: 'i', NORTH_KEY: 'k', NORTH_REGION: 'eu-west-1' }
    expect(compiled(signed, all).targets).toHaveLength(1)
    for (const name of Object.keys(all)) expect(compiled(signed, { ...all, [name]: '' }).targets, name).toEqual([])
  })
  it("is there with a service account's file or a token in its place, and says when the file is none", () => {
    const auth = { style: 'service_account' as const, secret: 'NORTH_FILE', token: 'NORTH_TOKEN', audience: 'https://north.example/' }
    const signed = made([provider({ auth })], [target()])
    const file = JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: '-----BEGIN PRIVATE KEY-----' })
    expect(compiled(signed, { NORTH_FILE: file }).targets).toHaveLength(1)
    expect(compiled(signed, { NORTH_TOKEN: 't' }).targets).toHaveLength(1)
    expect(compiled(signed, {}).off[0]?.how_to_enable).toBe(ENABLE)
    expect(compiled(signed, { NORTH_FILE: 'ya29' }).off[0]?.how_to_enable).toMatch(/^NORTH_FILE is not the JSON file/)
  })
  it('is not needed where the Worker is bound to the provider', () => {
    const tied = made([provider({ binding: 'AI', base_url: 'https://{ACCOUNT}.north.example' })], [target()])
    const { targets, off } = compiled(tied, { AI: { run: () => {} } } as unknown as Record<string, string>)
    expect([targets[0]?.provider.transport, targets[0]?.provider.auth, off]).toEqual(['ai_binding', { style: 'none' }, []])
    expect(compiled(tied, { AI: 'a text' }).off[0]?.how_to_enable).toBe(ENABLE)
    expect(compiled(tied, { NORTH_KEY: 'k', ACCOUNT: 'a' }).targets[0]?.provider.transport).toBe('network')
  })
  it('takes its parts in braces from variables', () => {
    const parts = made([provider({ base_url: 'https://{REGION}.north.example/{ACCOUNT}/ai' })], [target()])
    expect(only(parts, { NORTH_KEY: 'k', REGION: 'eu', ACCOUNT: 'abc123' }).chat_url).toBe(
      'https://eu.north.example/abc123/ai/chat/completions',
    )
    expect(compiled(parts, { NORTH_KEY: 'k', REGION: 'eu' })).toMatchObject({ targets: [], off: [{ how_to_enable: ENABLE }] })
  })
  it.each(['evil.example/x', 'a@b', 'a?b', 'a#b', 'a:1', 'a.b', '../..', 'a b', 'a%2fb', '{ACCOUNT}'])(
    'is not bent by a part such as "%s"',
    part => {
      const parts = made([provider({ base_url: 'https://north.example/{ACCOUNT}/ai' })], [target()])
      const { targets, off } = compiled(parts, { NORTH_KEY: 'k', ACCOUNT: part })
      expect(targets).toEqual([])
      expect(off[0]?.how_to_enable).toContain('ACCOUNT')
    },
  )
  it.each([
    ['plain http', 'http://api.north.example/v1', 'https://'],
    ['a user name', 'https://me@north.example', 'user name'],
    ['a password', 'https://me:secret@north.example', 'user name'],
    ['a query', 'https://north.example/?a=1', 'query'],
    ['a fragment', 'https://north.example/#a', 'fragment'],
    ['a port', 'https://north.example:8443', 'standard port'],
    ['an address for a host', 'https://10.0.0.1/v1', 'public host'],
    ['an address in hexadecimal', 'https://0x7f000001/v1', 'public host'],
    ['an IPv6 address', 'https://[::1]/v1', 'public host'],
    ['a host of its own machine', 'https://localhost/v1', 'public host'],
    ['a host of its own network', 'https://metadata.google.internal./v1', 'public host'],
    ['no host', 'https://', 'not a URL'],
    ['another scheme', 'ftp://north.example', 'https://'],
    ['no scheme', 'north.example/v1', 'not a URL'],
  ])('of the catalogue with %s switches the provider off, with the reason', (_, base_url, reason) => {
    const { targets, off } = compiled(made([provider({ base_url })], [target()]))
    expect(targets).toEqual([])
    expect(off[0]?.how_to_enable).toContain(reason)
    expect(off[0]?.how_to_enable).toContain(ENABLE)
  })
  it('never repeats a password in the reason', () => {
    const { off } = compiled(made([local()], []), { OWN_URL: 'http://me:hunter2@127.0.0.1:8000/v1', OWN_MODELS: 'one' })
    expect(off[0]?.how_to_enable).not.toContain('hunter2')
  })
})

describe("an operator's own server", () => {
  const own = made([local()], [])

  it('may be plain http', () => {
    expect(only(own, { OWN_URL: 'http://127.0.0.1:8000/v1', OWN_MODELS: 'one' }).chat_url).toBe('http://127.0.0.1:8000/v1/chat/completions')
  })
  it.each(['ftp://127.0.0.1', 'http://me:pw@127.0.0.1', 'http://127.0.0.1/?x', '127.0.0.1:8000', 'javascript:alert(1)'])(
    'is off at the address %s, and the reason names the variable',
    address => {
      const { targets, off } = compiled(own, { OWN_URL: address, OWN_MODELS: 'one' })
      expect(targets).toEqual([])
      expect(off[0]?.how_to_enable).toContain('OWN_URL')
    },
  )
  it('makes a target of each model that its variable lists, once', () => {
    const { targets } = compiled(own, { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: ' one, org/two:8b ,one,,' })
    expect(targets.map(each => [each.id, each.target.model, each.target.family])).toEqual([
      ['own/one', 'one', 'local'],
      ['own/org/two:8b', 'org/two:8b', 'local'],
    ])
  })
  it('is off while it lists none', () => {
    expect(compiled(own, { OWN_URL: 'http://127.0.0.1:8000' })).toMatchObject({
      targets: [],
      off: [{ targets: 0, how_to_enable: 'Set OWN_URL and OWN_MODELS.' }],
    })
  })
  it('drops a name that is none, says so, and keeps the rest', () => {
    const { targets, off } = compiled(own, { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: 'a b,good' })
    expect(targets.map(each => each.id)).toEqual(['own/good'])
    expect(off).toEqual([{ provider: 'own', targets: 1, how_to_enable: expect.stringContaining('"a b"') }])
  })
  it('has the window it was started with, where a variable says so, and else the one that is assumed', () => {
    const sized = made([local({ context_var: 'OWN_CONTEXT' })], [])
    const on = { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: 'one' }
    const assumed = only(own, on).target.capability.context_tokens
    expect(only(sized, { ...on, OWN_CONTEXT: '512' }).target.capability).toMatchObject({ context_tokens: 512, output_tokens: 512 })
    expect(only(sized, on).target.capability.context_tokens).toBe(assumed)
    for (const wrong of ['many', '0', '-1', '1.5', '1e12']) {
      const { targets, off } = compiled(sized, { ...on, OWN_CONTEXT: wrong })
      expect(targets[0]?.target.capability.context_tokens).toBe(assumed)
      expect(off[0]?.how_to_enable).toContain('OWN_CONTEXT')
    }
  })
  it('takes 50 models and leaves the 51st out, saying so', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`).join(',')
    expect(compiled(own, { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: names(50) })).toMatchObject({ off: [] })
    const { targets, off } = compiled(own, { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: names(51) })
    expect(targets).toHaveLength(50)
    expect(off[0]?.how_to_enable).toContain('more than 50')
  })
  it.each(['open-8b', 'OPEN-8B', 'org/open-8b', 'open:8b', 'open-8b:q4', 'org/open-8b:q4'])(
    'serving known open weights as %s is as good as these are known to be, but not dearer, and with a context of its own',
    name => {
      const hosted = target({
        id: 'north/org/open-8b',
        model: 'org/open-8b',
        aliases: ['open:8b'],
        family: 'open',
        quality: [row(null, 0.9, 0.02)],
      })
      const found = only(made([local(), provider()], [hosted]), { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: name })
      expect(found).toMatchObject({ id: `own/${name}`, target: { family: 'open' }, price: { input_micros_per_mtok: 0 } })
      expect(found.quality[0]).toBeCloseTo(0.9, 2)
    },
  )
  it('takes nothing from a closed model of the same name', () => {
    const closed = target({ model: 'one', quality: [row(null, 0.9, 0.02)], energy: { ...facts.energy, confidence: 'guess' } })
    expect(only(made([local(), provider()], [closed]), { OWN_URL: 'http://127.0.0.1:8000', OWN_MODELS: 'one' }).quality[0]).toBeCloseTo(0.6)
  })
})

describe('quality by task', () => {
  const qualityOf = (rows: unknown[], more = {}) => only(made([provider()], [target({ quality: rows })], more))
  const at = (task: Task) => TASKS.indexOf(task)

  it('is the overall figure where nothing else is known, with the doubt that tasks differ', () => {
    const { quality, quality_uncertainty } = qualityOf([row(null, 0.6, 0.05)])
    expect([...quality].every(value => Math.abs(value - 0.6) < 1e-9)).toBe(true)
    expect(quality_uncertainty[0]).toBeCloseTo(Math.hypot(0.05, 0.08))
  })
  it("stands nearly alone where the task's benchmark is sharp, and moves toward the overall figure where it is vague", () => {
    const sharp = qualityOf([row(null, 0.6, 0.05), row('mathematics', 0.9, 0.01)])
    expect(sharp.quality[at('mathematics')]).toBeCloseTo(0.9, 2)
    const vague = qualityOf([row(null, 0.6, 0.05), row('mathematics', 0.9, 0.3)])
    expect(vague.quality[at('mathematics')]).toBeGreaterThan(0.6)
    expect(vague.quality[at('mathematics')]).toBeLessThan(0.65)
  })
  it('of one task says nothing about another', () => {
    expect(qualityOf([row(null, 0.6, 0.05), row('mathematics', 0.9, 0.01)]).quality[at('summary')]).toBeCloseTo(0.6)
  })
  it('weighs two benchmarks of one task by their precision, and two leave less doubt than one', () => {
    const one = qualityOf([row(null, 0.5, 0.05), row('reasoning', 0.8, 0.05)])
    const two = qualityOf([row(null, 0.5, 0.05), row('reasoning', 0.8, 0.05), row('reasoning', 0.8, 0.05)])
    expect(two.quality[at('reasoning')]).toBeGreaterThan(one.quality[at('reasoning')] ?? 1)
    expect(two.quality_uncertainty[at('reasoning')]).toBeLessThan(one.quality_uncertainty[at('reasoning')] ?? 0)
  })
  it('is a doubtful middle where nothing is known', () => {
    const { quality, quality_uncertainty } = qualityOf([])
    expect(quality[0]).toBeCloseTo(0.4)
    expect(quality_uncertainty[0]).toBeCloseTo(0.25)
  })
  it('stays finite where a source claims no doubt', () => {
    expect(qualityOf([row(null, 0.6, 0), row('summary', 0.7, 0)]).quality.every(Number.isFinite)).toBe(true)
  })
  it('may be rows that targets share by name', () => {
    const shared = { qualities: { 'one-model': [row(null, 0.7, 0.05)] } }
    const one = made([provider()], [target({ quality: 'one-model' })], shared)
    expect(only(one).quality[0]).toBeCloseTo(0.7)
  })
})

describe('what is laid out ahead', () => {
  it('is the price in force, and when it ends', () => {
    const one = made([provider()], [target({ prices: [price('2026-01-01', 2), price('2026-07-01', 1)] })])
    const july_ms = Date.parse('2026-07-01T00:00:00Z')
    expect(only(one)).toMatchObject({ price: { input_micros_per_mtok: 2e6 }, price_until_ms: july_ms })
    expect(only(one, { NORTH_KEY: 'k' }, july_ms)).toMatchObject({
      price: { input_micros_per_mtok: 1e6 },
      price_until_ms: Number.POSITIVE_INFINITY,
    })
  })
  it('is null where no price is known', () => {
    expect(only(made([provider()], [target({ prices: [] })])).price).toBeNull()
  })
  it('is modalities as bits', () => {
    expect(maskOf(['text'])).toBe(1)
    expect(only(made([provider()], [target()]))).toMatchObject({ input_mask: maskOf(['text', 'image']), output_mask: maskOf(['text']) })
  })
  it('is energy per token, null where the size is unknown', () => {
    expect(only(made([provider()], [target()])).wh_per_output_token).toBeGreaterThan(0)
    const unknown = { ...facts.energy, active_params_b: null, total_params_b: null }
    expect(only(made([provider()], [target({ energy: unknown })]))).toMatchObject({ wh_per_output_token: null, wh_per_input_token: null })
  })
  it("is terms and readiness of the target, or else its provider's", () => {
    expect(only(made([provider()], [target()]))).toMatchObject({ terms: { regions: ['eu'] }, readiness: 'always_warm' })
    const own = target({ terms: { ...TERMS, regions: ['us'] }, readiness: 'serverless' })
    expect(only(made([provider()], [own]))).toMatchObject({ terms: { regions: ['us'] }, readiness: 'serverless' })
  })
})

describe('a plain name', () => {
  const two = made(
    [provider(), provider({ id: 'south', auth: { style: 'none' } })],
    [
      target({ id: 'north/Org/One', model: 'Org/One', aliases: ['Uno'] }),
      target({ id: 'south/one', provider: 'south', model: 'one', aliases: ['one'] }),
    ],
  )
  const named = (name: string, variables?: Record<string, string>) =>
    compiled(two, variables)
      .by_name.get(name)
      ?.map(each => each.id)

  it('finds every target that serves it, whatever folder the provider keeps it in', () => {
    expect(named('one')).toEqual(['north/Org/One', 'south/one'])
  })
  it('is kept in lower case: the full model name and the aliases too', () => {
    expect(named('org/one')).toEqual(['north/Org/One'])
    expect(named('uno')).toEqual(['north/Org/One'])
  })
  it('finds only what is switched on', () => {
    expect(named('one', {})).toEqual(['south/one'])
    expect(named('uno', {})).toBeUndefined()
  })
})

describe('the version', () => {
  const two = made(
    [provider(), provider({ id: 'south', auth: { style: 'none' } })],
    [target(), target({ id: 'south/one', provider: 'south' })],
  )

  it('is the same for the same text and the same targets', () => {
    expect(compiled(two).version).toBe(compiled(two, { NORTH_KEY: 'another' }).version)
    expect(compiled(two).version).toMatch(/^0123456789abcdef-[0-9a-f]{8}$/)
  })
  it('is another when other targets are on', () => {
    expect(compiled(two).version).not.toBe(compiled(two, {}).version)
  })
})

describe('a target that serves another endpoint than chat', () => {
  const two = made(
    [provider({ serves: ['chat', 'completions'], paths: { rerank: '/v2/rerank' } })],
    [target(), target({ id: 'north/vectors', model: 'vectors', serves: ['embeddings', 'rerank'] })],
  )
  const live = compiled(two)
  const ids = (one: typeof live | undefined) => one?.targets.map(each => each.id)

  it('is in the catalogue of each that it serves, and in no other', () => {
    expect(ids(live)).toEqual(['north/one'])
    expect(ids(live.serving.get('embeddings'))).toEqual(['north/vectors'])
    expect(ids(live.serving.get('completions'))).toEqual(['north/one'])
    expect(ids(live.serving.get('speech'))).toEqual([])
    expect(everyTarget(live).map(each => each.id)).toEqual(['north/one', 'north/vectors'])
  })
  it('has an address for each, of the usual form unless its provider says otherwise', () => {
    const urls = (['embeddings', 'rerank'] as const).map(endpoint => live.serving.get(endpoint)?.targets[0]?.chat_url)
    expect(urls).toEqual(['https://api.north.example/v1/embeddings', 'https://api.north.example/v1/v2/rerank'])
  })
  it('may be listed by a variable, and then makes vectors that are compared with no other', () => {
    const open_models = { ...facts, serves: ['embeddings'], embedding: { space: 'local', dimensions: null, shortens: false } }
    const own = made([local({ more_models: [{ models_var: 'OWN_VECTORS', open_models }] })], [])
    const on = compiled(own, { OWN_URL: 'http://127.0.0.1:8000/v1', OWN_MODELS: 'one', OWN_VECTORS: 'bge-m3,nomic' })
    expect(ids(on)).toEqual(['own/one'])
    expect(on.serving.get('embeddings')?.targets.map(each => each.target.embedding?.space)).toEqual(['own/bge-m3', 'own/nomic'])
  })
})
