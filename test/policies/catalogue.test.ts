import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { credentialVariables } from '../../worker/core/decide/address.ts'
import { compileCatalogue } from '../../worker/core/decide/catalogue.ts'
import { type Catalogue, type Provider, catalogue as schema } from '../../worker/schema/catalogue.ts'
import { TASKS, type Task } from '../../worker/schema/features.ts'

const text = readFileSync(`${import.meta.dirname}/../../policies/catalogue.json`, 'utf8')
const raw = JSON.parse(text) as Catalogue
const catalogue = schema.parse(raw)
const { providers, targets, sources, qualities } = catalogue
const NOW_MS = Date.parse('2026-11-24T00:00:00Z')

/** Every variable and secret that any provider asks for. */
const everything: Record<string, string> = Object.fromEntries(
  providers.flatMap(({ enabled_by, base_url, base_url_var, models_var, ...provider }) => [
    ...credentialVariables(provider as Provider).map(name => [name, 'k']),
    ...(enabled_by ? [[enabled_by, 'on']] : []),
    ...(base_url_var ? [[base_url_var, 'http://127.0.0.1:8000/v1']] : []),
    ...(models_var ? [[models_var, 'gpt-oss:20b']] : []),
    ...[...(base_url ?? '').matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, 'abc']),
  ]),
)
const all = compileCatalogue(catalogue, everything, NOW_MS, 'test')
const rowsOf = (quality: (typeof targets)[number]['quality']) => (typeof quality === 'string' ? (qualities[quality] ?? []) : quality)
const repeated = (names: string[]) => names.filter((name, index) => names.indexOf(name) !== index)

describe('the bundled catalogue', () => {
  it('is as the schema has it, with nothing left to a default: it is used without being parsed', () => {
    expect(raw).toEqual(catalogue)
  })
  it('has at least 60 models, and no target twice', () => {
    expect(new Set(targets.map(each => each.quality)).size).toBeGreaterThanOrEqual(60)
    expect(repeated(targets.map(each => each.id))).toEqual([])
    expect(repeated(providers.map(each => each.id))).toEqual([])
  })
  it('stays small enough to ride in the bundle', () => {
    // 320 kB are 25 kB of the compressed bundle, of which 3 MB may be, and 2 ms of a start, which may take a second.
    expect(text.length).toBeLessThan(360_000)
  })
  it('names its sources, and every figure has one that is listed', () => {
    const named = [
      ...providers.flatMap(each => [each.terms.source, ...(each.prefill_source === undefined ? [] : [each.prefill_source])]),
      ...targets.flatMap(each =>
        each.prices.flatMap(price => [price.source, ...(price.tools_source === undefined ? [] : [price.tools_source])]),
      ),
      ...targets.flatMap(each => [each.latency_prior.source, each.energy.source]),
      ...targets.flatMap(each => rowsOf(each.quality).map(row => row.source)),
    ]
    expect(named.filter(source => typeof source === 'string' && !(source in sources))).toEqual([])
    expect(Object.keys(sources).filter(name => !named.includes(name) && !text.includes(`"source":"${name}"`))).toEqual([])
  })
})

describe('every target', () => {
  it('belongs to a provider that is there, under an id that says so', () => {
    expect(targets.filter(each => each.id !== `${each.provider}/${each.model}`).map(each => each.id)).toEqual([])
    expect(targets.filter(each => !providers.some(({ id }) => id === each.provider)).map(each => each.id)).toEqual([])
  })
  it('has a price in force today, and none of zero but on an own machine', () => {
    expect(all.targets.filter(each => each.price === null).map(each => each.id)).toEqual([])
    const free = all.targets.filter(each => each.price?.input_micros_per_mtok === 0 || each.price?.output_micros_per_mtok === 0)
    expect(free.filter(each => !each.terms.regions.includes('local')).map(each => each.id)).toEqual([])
  })
  it('costs no more to read from the cache than to read', () => {
    const odd = targets.filter(each =>
      each.prices.some(price => (price.cache_read_micros_per_mtok ?? 0) > (price.input_micros_per_mtok ?? Number.POSITIVE_INFINITY)),
    )
    expect(odd.map(each => each.id)).toEqual([])
  })
  it('has its prices in the order of their days', () => {
    for (const { prices } of targets) expect(prices.map(price => price.from)).toEqual([...new Set(prices.map(price => price.from))].sort())
  })
  it('has an overall quality, a benchmark behind each figure, and its source and day', () => {
    for (const each of targets) {
      const rows = rowsOf(each.quality)
      expect(
        rows.filter(row => row.task === null),
        each.id,
      ).toHaveLength(1)
      expect(
        rows.every(row => row.benchmark !== '' && (typeof row.source !== 'string' || sources[row.source]?.as_of)),
        each.id,
      ).toBe(true)
    }
  })
  it('shares a plain name only with the same model elsewhere', () => {
    for (const [name, list] of all.by_name) {
      const hosted = list.filter(each => each.target.family !== 'local' && each.provider.models_var === undefined)
      expect(new Set(hosted.map(each => each.target.quality)).size, name).toBeLessThanOrEqual(1)
    }
  })
})

describe('every provider', () => {
  it('says in one sentence how to switch it on, naming what it waits for', () => {
    for (const one of providers) {
      const waits = [...credentialVariables(one), one.enabled_by, one.base_url_var, one.models_var]
      for (const name of waits) if (name) expect(one.how_to_enable, one.id).toContain(name)
      expect(one.how_to_enable.endsWith('.'), one.id).toBe(true)
    }
  })
  it('is on when all it waits for is there, and every one is off when nothing is', () => {
    expect(all.off).toEqual([])
    const nothing = compileCatalogue(catalogue, {}, NOW_MS, 'test')
    expect(nothing.targets).toEqual([])
    expect(nothing.off.map(each => each.provider)).toEqual(providers.map(each => each.id))
  })
  it('has an address of its own or of the operator, not both', () => {
    for (const { id, base_url, base_url_var } of providers) expect([base_url, base_url_var].filter(Boolean), id).toHaveLength(1)
  })
})

describe('the demo', () => {
  const demo = compileCatalogue(catalogue, { DEMO_TARGETS: 'on' }, NOW_MS, 'test')
  const named = (id: string) => {
    const found = demo.by_id.get(id)
    if (!found?.price) throw new Error(`${id} is not there`)
    return { ...found, usd: found.price.output_micros_per_mtok ?? 0 }
  }
  const [small, large, unreliable] = [named('demo/small'), named('demo/large'), named('demo/unreliable')]

  it('is three targets inside the Worker, on by one switch', () => {
    expect(demo.targets.map(each => each.id)).toEqual(['demo/small', 'demo/large', 'demo/unreliable'])
    expect(demo.targets.every(each => each.provider.transport === 'worker')).toBe(true)
  })
  it('makes cost, quality and speed pull apart', () => {
    expect(small.usd).toBeLessThan(unreliable.usd)
    expect(unreliable.usd).toBeLessThan(large.usd)
    expect(small.quality[0]).toBeLessThan(unreliable.quality[0] ?? 0)
    expect(unreliable.quality[0]).toBeLessThan(large.quality[0] ?? 0)
    expect(unreliable.first_token_ms).toBeLessThan(small.first_token_ms)
    expect(unreliable.tokens_per_second).toBeGreaterThan(small.tokens_per_second)
    expect(large.tokens_per_second).toBeLessThan(small.tokens_per_second)
  })
  it('sees images with the large one only', () => {
    expect(demo.targets.filter(each => each.target.capability.input.includes('image')).map(each => each.id)).toEqual(['demo/large'])
  })
})

describe('quality priors keep the order that anyone would expect', () => {
  const quality = (id: string, task?: Task) => {
    const found = all.by_id.get(id)
    if (!found) throw new Error(`${id} is not there`)
    return task ? (found.quality[TASKS.indexOf(task)] ?? 0) : found.quality.reduce((sum, value) => sum + value, 0) / TASKS.length
  }
  it.each([
    [['openai/gpt-6-astra', 'openai/gpt-6-luna', 'openai/gpt-5-nano', 'openai/gpt-4o-mini']],
    [['openai/gpt-5.5', 'openai/gpt-5', 'openai/gpt-5-mini', 'openai/gpt-5-nano']],
    [['openai/gpt-4.1', 'openai/gpt-4.1-mini', 'openai/gpt-4.1-nano']],
    [['openrouter/anthropic/claude-opus-5.5', 'openrouter/anthropic/claude-sonnet-5.5', 'openrouter/anthropic/claude-haiku-4.5']],
    [['anthropic/claude-opus-5-5', 'anthropic/claude-sonnet-5-5', 'anthropic/claude-haiku-4-5']],
    [['google/gemini-4-argon', 'google/gemini-3.8-flash', 'google/gemini-3.5-flash-lite', 'google/gemini-2.5-flash-lite']],
    [
      [
        'mistral/mistral-large-4',
        'mistral/mistral-medium-2604',
        'mistral/mistral-small-2603',
        'mistral/ministral-14b-2512',
        'mistral/ministral-3b-2512',
      ],
    ],
    [['groq/openai/gpt-oss-120b', 'groq/openai/gpt-oss-20b', 'groq/llama-3.1-8b-instant']],
  ])('%j', ids => {
    const values = ids.map(id => quality(id))
    expect(values).toEqual([...values].sort((a, b) => b - a))
  })
  it('and differ by task, where benchmarks do', () => {
    expect(quality('openai/gpt-5', 'factual_question')).not.toBeCloseTo(quality('openai/gpt-5', 'conversation'), 2)
  })
  it('pin the scale where it is said to be', () => {
    expect(rowsOf('llama-3.1-8b')[0]?.score).toBeCloseTo(0.2)
    expect(rowsOf('gpt-5.5')[0]?.score).toBeCloseTo(0.8)
  })
  it('carry over to the same open weights on an own server', () => {
    expect(quality('vllm/gpt-oss:20b')).toBeCloseTo(quality('groq/openai/gpt-oss-20b'))
  })
})

describe('compiling all of it', () => {
  it('is cheap enough for the start of an isolate', () => {
    for (let warm = 0; warm < 20; warm += 1) compileCatalogue(catalogue, everything, NOW_MS, 'test')
    const before = process.cpuUsage()
    for (let run = 0; run < 20; run += 1) compileCatalogue(catalogue, everything, NOW_MS, 'test')
    const { user, system } = process.cpuUsage(before)
    // Processor time, as a busy machine is slow by the clock. About 0.6 ms each on a laptop core; ten times that still tells a mistake.
    expect((user + system) / 1_000 / 20).toBeLessThan(6)
  })
})

describe('request fields', () => {
  it('that a target refuses are never what every request is made of', () => {
    const fields = all.targets.flatMap(each => each.parameters?.refuses ?? []).map(each => (typeof each === 'string' ? each : each.field))
    expect(fields.length).toBeGreaterThan(0)
    expect(fields.filter(field => ['model', 'messages', 'stream', 'tools', 'input', 'contents'].includes(field))).toEqual([])
  })
  it('are fitted for models that reason and know only the newer name for the limit of output', () => {
    const reasons = all.by_id.get('openai/gpt-5')?.parameters
    expect(reasons?.output_limit_field).toBe('max_completion_tokens')
    expect(reasons?.refuses).toContain('temperature')
    expect(all.by_id.get('openai/gpt-4.1')?.parameters?.refuses).toEqual([])
  })
})
