/**
 * Writes `policies/catalogue.json` from two packages' data and our own overlays beside this file. Run when prices or models
 * change; the result is committed, so nothing is looked up when the router is built or runs.
 *
 *     cd "$(mktemp -d)"
 *     npm pack @earendil-works/pi-ai@1.5.2 @pydantic/genai-prices@0.1.8
 *     for file in *.tgz; do mkdir "${file%.tgz}" && tar xzf "$file" -C "${file%.tgz}" --strip-components=1; done
 *     cd - && npm run catalogue -- "$OLDPWD"/earendil-works-pi-ai-* "$OLDPWD"/pydantic-genai-prices-*
 *
 * They are packed and not installed: the first pulls four vendors' SDKs that nobody here needs. From it come limits,
 * modalities and prices of the day; from the second, price history and announced changes. Everything else is ours:
 *
 *     providers.yaml   addresses, credentials, terms, what an API can do
 *     models.yaml      models as such: line, size, speed
 *     targets.yaml     which provider serves which model, under which name
 *     services.yaml    what serves embeddings, images, speech and other endpoints than chat
 *     benchmarks.yaml  results as published; quality.ts makes them one scale
 *     grids.yaml       carbon intensity of electricity by region
 *     tools.yaml       what providers charge for tools of their own, by the call
 *     sources.yaml     where all of it comes from
 *
 * The same inputs give the same bytes.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'yaml'
import { type Catalogue, catalogue as catalogueSchema, type Price, type Provider, type Target } from '../../worker/schema/catalogue.ts'
import { type Benchmark, qualityRows } from './quality.ts'

type Speed = [first_token_ms: number, tokens_per_second: number, source: string]
type Model = {
  family: string
  released?: string
  params?: [active_b: number, total_b: number]
  tier?: string
  joules?: number
  speed: Speed
  like?: string
  less?: number
  names?: string[]
}
type Defaults = Pick<Target['capability'], 'structured_output' | 'parallel_tools'> & {
  prefill: boolean | 'unless_reasoning' | null
  logprobs: boolean | 'unless_reasoning'
  choices: boolean | 'unless_reasoning'
}
type LocalDefaults = Pick<Target['capability'], 'context_tokens' | 'output_tokens' | 'logprobs' | 'choices' | 'parallel_tools'> & {
  prefill?: boolean
}
type ProviderOverlay = Omit<Provider, 'id'> & {
  defaults?: Defaults
  local?: LocalDefaults
  more?: Partial<Record<'embeddings' | 'rerank', string>>
}
/** What calls of a provider's own tools cost. */
type Tools = Pick<
  Price,
  'web_search_micros_per_call' | 'web_search_per' | 'web_search_partly_free' | 'file_search_micros_per_call' | 'code_micros_per_run'
> & {
  families?: string[]
  source: string
}
type Service = {
  serves: NonNullable<Target['serves']>
  space?: string
  dimensions?: number
  shortens?: boolean
  context: number
  input?: Target['capability']['input']
  output?: Target['capability']['output']
  streaming?: boolean
  /** What it says is sound, and priced as such. */
  audio_output?: boolean
  price?: [input_usd: number, output_usd: number, source: string]
  quality: [score: number, benchmark?: string, source?: string]
  speed: [first_byte_ms: number, tokens_per_second: number]
}
type TargetOverlay =
  | string
  | ({ model: string; speed?: Speed; figures?: { provider: string; name: string } } & Partial<
      Pick<Target, 'output_limit_field' | 'refuses'>
    > &
      Partial<Target['capability']>)
type Cost = { input: number; output: number; cacheRead: number; cacheWrite: number }
/** One model in pi-ai's data files, in USD per million tokens; zero stands for `free`, `none` and `unknown` alike. */
type Packaged = {
  id: string
  input: ('text' | 'image')[]
  reasoning: boolean
  contextWindow: number
  maxTokens: number
  cost: Cost & { tiers?: (Cost & { inputTokensAbove: number })[] }
}
type History = { id: string; prices: ModelPrice | { constraint?: { type: string; start_date?: string }; prices: ModelPrice }[] }
type ModelPrice = Record<string, number | { base: number; tiers: { start: number; price: number }[] } | undefined>

const HERE = import.meta.dirname
const overlay = <T>(name: string): T => parse(readFileSync(`${HERE}/${name}.yaml`, 'utf8'), { merge: true }) as T

/** Our name for a provider, where the packages have another. */
const PI_AI_NAMES: Record<string, string> = {
  'workers-ai': 'cloudflare-workers-ai',
  vertex: 'google-vertex',
  'vertex-regional': 'google-vertex',
  bedrock: 'amazon-bedrock',
  'bedrock-eu': 'amazon-bedrock',
}
const GENAI_NAMES: Record<string, string> = { xai: 'x-ai', 'workers-ai': 'cloudflare', bedrock: 'aws', 'bedrock-eu': 'aws' }
/** A router in front of providers adds its own hop: an estimate, so that of two equal ways the direct one is tried first. */
const EXTRA_HOP_MS: Record<string, number> = { openrouter: 80 }

const NOTICE =
  'Limits, modalities and prices from @earendil-works/pi-ai (MIT, (c) Mario Zechner) and @pydantic/genai-prices (MIT, (c) Pydantic Services Inc.); benchmark figures as cited in `sources`, among them Artificial Analysis (https://artificialanalysis.ai). Full notices: policies/catalogue/NOTICE.md.'

const [pi_ai, genai_prices] = process.argv.slice(2)
if (!pi_ai || !genai_prices) {
  process.stderr.write('usage: npm run catalogue -- <unpacked @earendil-works/pi-ai> <unpacked @pydantic/genai-prices>\n')
  process.exit(2)
}
const { findProvider } = (await import(pathToFileURL(resolve(genai_prices, 'dist/index.js')).href)) as {
  findProvider(by: { providerId: string }): { models: History[] } | undefined
}
const gathered = JSON.parse(readFileSync(resolve(pi_ai, 'dist/providers/data/.manifest.json'), 'utf8')) as { generatedAt: string }
const as_of = gathered.generatedAt.slice(0, 10)

const sources = overlay<Catalogue['sources']>('sources')
const providers = overlay<Record<string, ProviderOverlay>>('providers')
const { tiers, models } = overlay<{ tiers: Record<string, [number, number]>; models: Record<string, Model> }>('models')
const served = overlay<Record<string, Record<string, TargetOverlay>>>('targets')
const relatives = Object.fromEntries(Object.entries(models).flatMap(([name, { like, less }]) => (like ? [[name, { like, less }]] : [])))
const days = Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, source.as_of]))
const tools = overlay<Record<string, Tools[]>>('tools')
const services = overlay<Record<string, Record<string, Service>>>('services')
const quality = qualityRows(overlay<Benchmark[]>('benchmarks'), relatives, days)

const result: Catalogue = {
  as_of,
  notice: NOTICE,
  sources,
  qualities: {},
  grids: overlay<Catalogue['grids']>('grids'),
  providers: Object.entries(providers).map(([id, entry]) => providerOf(id, entry)),
  targets: [
    ...overlay<Target[]>('demo'),
    ...Object.entries(served).flatMap(([provider, list]) => targetsOf(provider, list)),
    ...Object.entries(services).flatMap(([provider, list]) =>
      Object.entries(list).map(([name, entry]) => serviceOf(provider, name, entry)),
    ),
  ],
}
for (const name of [...new Set(result.targets.map(target => target.quality))].sort()) {
  if (typeof name === 'string') result.qualities[name] = known(quality.get(name), `quality of ${name}`)
}
const checked = catalogueSchema.parse(result)
// One provider, one target, one source a line: small enough to ship, and a change to one is a change to one line.
const lines = (entries: unknown[]) => `[\n${entries.map(entry => JSON.stringify(entry)).join(',\n')}\n]`
const head = JSON.stringify({ as_of: checked.as_of, notice: checked.notice }).slice(1, -1)
const named = (entries: Record<string, unknown>) =>
  `{\n${Object.entries(entries)
    .map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`)
    .join(',\n')}\n}`
const text = `{${[
  head,
  `\n"sources":${named(checked.sources)}`,
  `\n"qualities":${named(checked.qualities)}`,
  `\n"grids":${named(checked.grids)}`,
  `\n"providers":${lines(checked.providers)}`,
  `\n"targets":${lines(checked.targets)}`,
].join(',')}}\n`
writeFileSync(resolve(HERE, '../catalogue.json'), text)
process.stdout.write(
  `policies/catalogue.json: ${checked.providers.length} providers, ${checked.targets.length} targets, ${text.length} characters, as of ${as_of}\n`,
)

function providerOf(id: string, { defaults: _defaults, local, more, ...entry }: ProviderOverlay): Provider {
  const more_models = Object.entries(more ?? {}).map(([endpoint, models_var]) => ({
    models_var,
    open_models: openService(endpoint as 'embeddings' | 'rerank'),
  }))
  return { id, ...entry, ...(local && { open_models: openModels(local) }), ...(more && { more_models }) }
}

/** The same for vectors and rankings: the length of a vector is what the operator's model makes it. */
function openService(endpoint: 'embeddings' | 'rerank'): NonNullable<Provider['open_models']> {
  const { capability, ...facts } = openModels({
    context_tokens: 8192,
    output_tokens: 1,
    logprobs: false,
    choices: false,
    parallel_tools: false,
  })
  return {
    ...facts,
    serves: [endpoint],
    ...(endpoint === 'embeddings' && { embedding: { space: 'local', dimensions: null, shortens: false } }),
    capability: { ...capability, tools: false, structured_output: 'none', streaming: false },
    latency_prior: { first_token_ms: 200, tokens_per_second: 1000, source: 'class' },
  }
}

function serviceOf(provider: string, name: string, service: Service): Target {
  const { serves, space, dimensions = null, shortens = false, context, input = ['text'], output = ['text'], streaming = false } = service
  const [score, benchmark = 'none: by class', source = 'class'] = service.quality
  const [first_token_ms, tokens_per_second] = service.speed
  return {
    id: `${provider}/${name}`,
    provider,
    model: name,
    kind: 'model',
    serves,
    ...(space && { embedding: { space, dimensions, shortens } }),
    aliases: [],
    family: space ?? name,
    released: null,
    capability: {
      input,
      output,
      tools: false,
      parallel_tools: false,
      structured_output: 'none',
      streaming,
      reasoning: false,
      logprobs: false,
      choices: false,
      prefill: null,
      context_tokens: context,
      // Pictures and sound are long, as tokens; nothing here bounds them.
      output_tokens: 1_000_000,
    },
    prices: servicePrices(provider, name, service),
    quality: [{ task: null, score, uncertainty: source === 'class' ? 0.15 : 0.03, benchmark, source }],
    latency_prior: { first_token_ms, tokens_per_second, source: 'class' },
    energy: { active_params_b: null, total_params_b: null, measured_j_per_token: null, confidence: 'guess', source: 'class' },
  }
}

/** Of embeddings and rankings nothing is paid but what goes in, whatever a price list says of what comes out. */
function servicePrices(provider: string, name: string, { price, serves, audio_output }: Service): Price[] {
  const nothing = { cache_read_micros_per_mtok: null, cache_write_micros_per_mtok: null, cache_write_1h_micros_per_mtok: null }
  if (price) {
    const [input, output, source] = price
    const rates = { input_micros_per_mtok: Math.round(input * 1e6), output_micros_per_mtok: Math.round(output * 1e6) }
    return [{ from: as_of, ...rates, ...nothing, source }]
  }
  const gives = !serves.some(endpoint => endpoint === 'embeddings' || endpoint === 'rerank' || endpoint === 'moderations')
  return historyOf(provider, name)
    .filter(one => one.input_micros_per_mtok !== null)
    .map(({ from, ...one }) => ({
      from: from ?? as_of,
      ...one,
      output_micros_per_mtok: gives ? one.output_micros_per_mtok : 0,
      ...(audio_output && one.output_micros_per_mtok !== null && { audio_output_micros_per_mtok: one.output_micros_per_mtok }),
      source: 'genai-prices',
    }))
}

/** What is assumed of a model on an operator's own server: free, and as good as its weights are known to be; else nothing much is claimed. */
function openModels(local: LocalDefaults): NonNullable<Provider['open_models']> {
  return {
    kind: 'model',
    family: 'local',
    released: null,
    capability: {
      input: ['text'],
      output: ['text'],
      tools: true,
      structured_output: 'json_schema',
      streaming: true,
      reasoning: false,
      prefill: null,
      ...local,
    },
    prices: [
      {
        from: '2026-01-01',
        ...perMtok({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }),
        cache_write_1h_micros_per_mtok: 0,
        source: 'operator',
      },
    ],
    quality: [{ task: null, score: 0.35, uncertainty: 0.2, benchmark: 'none: an unknown local model', source: 'class' }],
    latency_prior: { first_token_ms: 600, tokens_per_second: 40, source: 'class' },
    energy: { active_params_b: null, total_params_b: null, measured_j_per_token: null, confidence: 'guess', source: 'operator' },
  }
}

function targetsOf(provider: string, list: Record<string, TargetOverlay>): Target[] {
  const packaged = packagedModels(provider)
  /** Where the package has a model under another provider only. */
  const elsewhere = ({ provider: other, name }: { provider: string; name: string }) => packagedModels(other).get(name)
  const defaults = known(providers[provider]?.defaults, `defaults of ${provider}`)
  return Object.entries(list).map(([name, entry]) => {
    const {
      model: modelName,
      speed,
      figures,
      output_limit_field,
      refuses,
      ...capability
    } = typeof entry === 'string' ? { model: entry } : entry
    const model = known(models[modelName], `${modelName} in models.yaml`)
    const fact = known(figures ? elsewhere(figures) : packaged.get(name), `${provider}/${name} in pi-ai`)
    const [first_token_ms, tokens_per_second, source] = speed ?? model.speed
    const either = (rule: boolean | 'unless_reasoning') => (rule === 'unless_reasoning' ? !fact.reasoning : rule)
    return {
      id: `${provider}/${name}`,
      provider,
      model: name,
      kind: 'model',
      aliases: aliasesOf(name, modelName, model),
      family: model.family,
      released: model.released ?? null,
      capability: {
        input: fact.input,
        output: ['text'],
        tools: true,
        parallel_tools: defaults.parallel_tools,
        structured_output: defaults.structured_output,
        streaming: true,
        reasoning: fact.reasoning,
        logprobs: either(defaults.logprobs),
        choices: either(defaults.choices),
        prefill: defaults.prefill === null ? null : either(defaults.prefill),
        context_tokens: fact.contextWindow,
        output_tokens: Math.min(fact.maxTokens, fact.contextWindow),
        ...capability,
      },
      prices: pricesOf(provider, fact, model).map(one => withTools(provider, model.family, one)),
      quality: modelName,
      latency_prior: { first_token_ms: first_token_ms + (EXTRA_HOP_MS[provider] ?? 0), tokens_per_second, source },
      energy: energyOf(model),
      ...(output_limit_field !== undefined && { output_limit_field }),
      ...(refuses !== undefined && { refuses }),
    }
  })
}

function packagedModels(provider: string): Map<string, Packaged> {
  const file = resolve(known(pi_ai, 'folder'), `dist/providers/data/${PI_AI_NAMES[provider] ?? provider}.json`)
  if (!existsSync(file)) return new Map()
  const byApi = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Packaged>>
  const found = new Map<string, Packaged>()
  for (const entries of Object.values(byApi)) {
    for (const [key, entry] of Object.entries(entries)) if (key.startsWith('chat:')) found.set(entry.id, entry)
  }
  return found
}

/** The plain names that mean this model wherever it is served; its own name at this provider goes without saying. */
function aliasesOf(name: string, modelName: string, model: Model): string[] {
  const own = name.toLowerCase()
  const last = own.slice(own.lastIndexOf('/') + 1)
  return [modelName, ...(model.names ?? [])].filter(alias => alias !== own && alias !== last)
}

/**
 * The price of the day from pi-ai, after what genai-prices knows of earlier days and of announced ones. A price without a
 * known first day holds from the model's release, or from the day of the data where that is unknown too. Prices by the time of day are left out: the dearer one is in pi-ai.
 */
function pricesOf(provider: string, fact: Packaged, model: Model): Price[] {
  const today = perMtok(fact.cost)
  const first_day = model.released ?? as_of
  const dated = historyOf(provider, fact.id).map(({ from, ...price }) => ({ from: from ?? first_day, ...price }))
  const same = (one: Omit<Price, 'from' | 'source'>) =>
    one.input_micros_per_mtok === today.input_micros_per_mtok && one.output_micros_per_mtok === today.output_micros_per_mtok
  const past = dated.filter(one => one.from <= as_of)
  const current = past.at(-1)
  const beside = current && same(current) ? apartIn(current) : {}
  const prices: Price[] = past.filter(one => !same(one)).map(one => ({ ...one, source: 'genai-prices' }))
  const since = current && same(current) ? current.from : prices.length > 0 ? as_of : first_day
  const cache_write_1h_micros_per_mtok = current && same(current) ? current.cache_write_1h_micros_per_mtok : null
  prices.push({
    from: since < as_of ? since : as_of,
    ...today,
    cache_write_1h_micros_per_mtok,
    ...longerToday(fact.cost, current?.longer),
    ...beside,
    source: 'pi-ai',
  })
  for (const one of dated.filter(later => later.from > as_of)) prices.push({ ...one, source: 'genai-prices' })
  return prices.sort((a, b) => a.from.localeCompare(b.from))
}

/** What a package says comes first: then nothing of ours is laid under it, as the two may be of different days. */
function withTools(provider: string, family: string, one: Price): Price {
  const meant = tools[provider]?.find(({ families }) => families === undefined || families.includes(family))
  if (meant === undefined || one.web_search_micros_per_call !== undefined) return one
  const { families: _, source, ...charged } = meant
  return { ...one, ...charged, ...(source !== one.source && { tools_source: source }) }
}

/** What is priced apart from tokens of text, which only genai-prices knows. */
function apartIn(price: Partial<Price>): Partial<Price> {
  const { web_search_micros_per_call, file_search_micros_per_call, image_input_micros_per_mtok, audio_input_micros_per_mtok } = price
  const all = { web_search_micros_per_call, file_search_micros_per_call, image_input_micros_per_mtok, audio_input_micros_per_mtok }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** pi-ai's first tier; it has no price of the one-hour cache, which is taken where the other agrees on the rest. */
function longerToday({ tiers = [] }: Packaged['cost'], other: Price['longer']): { longer?: Price['longer'] } {
  const [tier] = tiers
  if (!tier) return {}
  const rates = perMtok(tier)
  const same = other?.above_tokens === tier.inputTokensAbove && other.input_micros_per_mtok === rates.input_micros_per_mtok
  const cache_write_1h_micros_per_mtok = same ? (other?.cache_write_1h_micros_per_mtok ?? null) : null
  return { longer: { above_tokens: tier.inputTokensAbove, ...rates, cache_write_1h_micros_per_mtok } }
}

function historyOf(provider: string, model: string): (Omit<Price, 'from' | 'source'> & { from: string | null })[] {
  const entry = findProvider({ providerId: GENAI_NAMES[provider] ?? provider })?.models.find(one => one.id === model)
  if (!entry) return []
  const list = Array.isArray(entry.prices) ? entry.prices : [{ prices: entry.prices }]
  if (list.some(one => one.constraint && one.constraint.type !== 'start_date')) return []
  return list.map(({ constraint, prices }) => ({
    from: constraint?.start_date ?? null,
    input_micros_per_mtok: micros(prices.input_mtok),
    // Where pictures are priced apart from text, they are what such a model gives.
    output_micros_per_mtok: micros(prices.output_image_mtok ?? prices.output_mtok),
    cache_read_micros_per_mtok: micros(prices.cache_read_mtok),
    cache_write_micros_per_mtok: micros(prices.cache_write_mtok),
    cache_write_1h_micros_per_mtok: micros(prices.cache_write_1h_mtok),
    ...longerIn(prices),
    ...(prices.web_searches_kcount !== undefined && { web_search_micros_per_call: perCall(prices.web_searches_kcount) }),
    ...(prices.storage_searches_kcount !== undefined && { file_search_micros_per_call: perCall(prices.storage_searches_kcount) }),
    ...(prices.input_image_mtok !== undefined && { image_input_micros_per_mtok: micros(prices.input_image_mtok) ?? 0 }),
    ...(prices.input_audio_mtok !== undefined && { audio_input_micros_per_mtok: micros(prices.input_audio_mtok) ?? 0 }),
  }))
}

/** pi-ai writes 0 for a cache price that does not exist; only a model that is free altogether has free caching. */
function perMtok(cost: Packaged['cost']) {
  const free = cost.input === 0 && cost.output === 0
  return {
    input_micros_per_mtok: Math.round(cost.input * 1e6),
    output_micros_per_mtok: Math.round(cost.output * 1e6),
    cache_read_micros_per_mtok: cost.cacheRead > 0 || free ? Math.round(cost.cacheRead * 1e6) : null,
    cache_write_micros_per_mtok: cost.cacheWrite > 0 || free ? Math.round(cost.cacheWrite * 1e6) : null,
  }
}

/** The first tier, where all prices that have tiers agree on its bound. */
function longerIn(prices: ModelPrice): { longer?: NonNullable<Price['longer']> } {
  const { input_mtok } = prices
  const above_tokens = typeof input_mtok === 'object' ? input_mtok.tiers[0]?.start : undefined
  if (above_tokens === undefined) return {}
  const beyond = (price: ModelPrice[string]) =>
    micros(typeof price === 'object' ? price.tiers.find(({ start }) => start === above_tokens)?.price : price)
  return {
    longer: {
      above_tokens,
      input_micros_per_mtok: beyond(input_mtok),
      output_micros_per_mtok: beyond(prices.output_mtok),
      cache_read_micros_per_mtok: beyond(prices.cache_read_mtok),
      cache_write_micros_per_mtok: beyond(prices.cache_write_mtok),
      cache_write_1h_micros_per_mtok: beyond(prices.cache_write_1h_mtok),
    },
  }
}

function perCall(per_thousand: ModelPrice[string]): number {
  return Math.round((micros(per_thousand) ?? 0) / 1_000)
}

function micros(usd: number | { base: number } | undefined): number | null {
  if (usd === undefined) return null
  return Math.round((typeof usd === 'number' ? usd : usd.base) * 1e6)
}

function energyOf(model: Model): Target['energy'] {
  if (model.params) {
    const [active_params_b, total_params_b] = model.params
    if (model.joules !== undefined)
      return { active_params_b, total_params_b, measured_j_per_token: model.joules, confidence: 'measured', source: 'ml-energy' }
    return { active_params_b, total_params_b, measured_j_per_token: null, confidence: 'disclosed', source: 'card' }
  }
  const [active_params_b, total_params_b] = known(tiers[known(model.tier, 'a tier or params')], `tier ${model.tier}`)
  return { active_params_b, total_params_b, measured_j_per_token: null, confidence: 'guess', source: 'ecologits' }
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`missing: ${what}`)
  return value
}
