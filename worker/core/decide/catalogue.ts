/**
 * From the catalogue and the configuration to the targets that are switched on. Run once when an isolate starts and again
 * when either changes, so that a decision only reads: addresses are joined, modalities are bits, prior quality is an array
 * indexed by task, and the price is the one in force.
 *
 * A provider is on when everything it names is there: its switch, its secret, its address and the variables inside that
 * address. What is off stays out of every decision, and is listed with the one sentence that would switch it on. A faulty
 * setting switches off its own provider and nothing else.
 */
import type { Catalogue, Provider, QualityRow, Target } from '../../schema/catalogue.ts'
import { MODALITIES, type Modality, TASKS } from '../../schema/features.ts'
import { targetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { err, ok, type Result } from '../result.ts'
import { whPerToken } from '../spend/energy.ts'
import { priceAt } from '../spend/price.ts'
import type { LiveCatalogue, LiveTarget } from './world.ts'

export type Variables = Record<string, string | undefined>

/** How far a target's quality on one task usually lies from its quality overall: one standard deviation, judged from LiveBench's categories. */
const TASK_SPREAD = 0.08
/** Where a target has no figure at all: the middle, with so much doubt that any evidence outweighs it. */
const UNKNOWN = { score: 0.4, uncertainty: 0.25 }
/** Local models one variable may list; more than an operator runs, few enough that a pasted file does no harm. */
const LOCAL_MODELS = 50

/** Endings that no public name has (RFC 6761, RFC 6762, and what private networks use). */
const PRIVATE_ENDINGS = ['localhost', 'local', 'internal', 'lan', 'home', 'corp']

/**
 * The targets that are switched on under `variables`, at `now_ms`. `version` is the hash of the catalogue's text; the
 * result's version adds a digest of what is on, so that two decisions under one version looked at the same targets.
 */
export function compileCatalogue(catalogue: Catalogue, variables: Variables, now_ms: Ms, version: string): LiveCatalogue {
  const targetsOf = new Map<string, Target[]>()
  for (const target of catalogue.targets) {
    const listed = targetsOf.get(target.provider)
    if (listed) listed.push(target)
    else targetsOf.set(target.provider, [target])
  }
  const openWeights = new OpenWeights(catalogue.targets)
  const targets: LiveTarget[] = []
  const off: LiveCatalogue['off'] = []
  for (const provider of catalogue.providers) {
    const listed = targetsOf.get(provider.id) ?? []
    const base = baseAddress(provider, variables)
    if (!base.ok) {
      off.push({ provider: provider.id, targets: listed.length, how_to_enable: base.error })
      continue
    }
    const local = localTargets(provider, variables, openWeights)
    for (const refused of local.refused) off.push({ provider: provider.id, targets: 1, how_to_enable: refused })
    if (listed.length + local.targets.length === 0 && local.refused.length === 0) {
      off.push({ provider: provider.id, targets: 0, how_to_enable: provider.how_to_enable })
    }
    const chat_url = base.value + provider.chat_path
    for (const target of listed) targets.push(live(target, provider, chat_url, catalogue.qualities, now_ms))
    for (const target of local.targets) targets.push(live(target, provider, chat_url, catalogue.qualities, now_ms))
  }
  return {
    version: `${version}-${digest(targets)}`,
    targets,
    by_id: new Map(targets.map(target => [target.id, target])),
    by_name: namesOf(targets),
    off,
  }
}

/** The address that calls to a provider begin with, without a slash at its end; or the sentence that says what is missing or wrong. */
function baseAddress(provider: Provider, variables: Variables): Result<string, string> {
  const missing = err(provider.how_to_enable)
  if (provider.enabled_by !== undefined && variables[provider.enabled_by] !== 'on') return missing
  if (provider.auth.style !== 'none' && !variables[provider.auth.secret]?.trim()) return missing
  if (provider.base_url_var !== undefined) {
    const value = variables[provider.base_url_var]?.trim()
    if (!value) return missing
    return checkedAddress(value, 'operator', `${provider.base_url_var} is not usable`, provider)
  }
  if (provider.base_url === undefined) return err(`${provider.id} has no address in the catalogue. ${provider.how_to_enable}`)
  let address = provider.base_url
  for (let open = address.indexOf('{'); open >= 0; open = address.indexOf('{', open)) {
    const close = address.indexOf('}', open)
    if (close < 0) return err(`${provider.id}: its address has a "{" without a "}". ${provider.how_to_enable}`)
    const name = address.slice(open + 1, close)
    const value = variables[name]?.trim()
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
 * never travels in the clear, nor to a host inside a network. User-info would put a second credential into every log line, and a query or fragment would
 * swallow the path that is appended.
 */
function checkedAddress(text: string, from: 'operator' | 'catalogue', what: string, provider: Provider): Result<string, string> {
  const wrong = (why: string) => err(`${what}: ${why}. ${provider.how_to_enable}`)
  if (!URL.canParse(text)) return wrong('it is not a URL')
  const url = new URL(text)
  const plain = url.protocol === 'http:' && from === 'operator'
  if (url.protocol !== 'https:' && !plain)
    return wrong(from === 'operator' ? 'it must begin with http:// or https://' : 'it must begin with https://')
  if (url.username || url.password) return wrong('it must not carry a user name or password')
  if (url.search || url.hash) return wrong('it must not have a query or fragment')
  if (from === 'catalogue' && !isPublic(url)) return wrong('it must name a public host on the standard port')
  let end = url.href.length
  while (url.href[end - 1] === '/') end -= 1
  return ok(url.href.slice(0, end))
}

/**
 * A host on the internet and not one inside a network. The URL parser has already turned every spelling of an IPv4 address
 * into the dotted one, and an IPv6 address keeps its brackets.
 */
function isPublic(url: URL): boolean {
  const host = url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname
  const last = host.slice(host.lastIndexOf('.') + 1)
  return url.port === '' && host.includes('.') && !/^\d+$/.test(last) && !host.startsWith('[') && !PRIVATE_ENDINGS.includes(last)
}

/** The models that an operator lists for an own server, each with the facts of `open_models` and of its weights where they are known. */
function localTargets(provider: Provider, variables: Variables, weights: OpenWeights): { targets: Target[]; refused: string[] } {
  const targets: Target[] = []
  const refused: string[] = []
  if (provider.models_var === undefined || provider.open_models === undefined) return { targets, refused }
  const seen = new Set<string>()
  for (const part of (variables[provider.models_var] ?? '').split(',')) {
    const model = part.trim()
    if (model === '' || seen.has(model)) continue
    seen.add(model)
    if (seen.size > LOCAL_MODELS) {
      refused.push(`${provider.models_var} lists more than ${LOCAL_MODELS} models; those after the first ${LOCAL_MODELS} are left out.`)
      break
    }
    const id = `${provider.id}/${model}`
    if (!targetId.safeParse(id).success) {
      refused.push(`${provider.models_var} lists "${model.slice(0, 60)}", which is not a model name: letters, digits and @ . _ : / - only.`)
      continue
    }
    const known = weights.of(model)
    targets.push({
      ...provider.open_models,
      ...(known && { family: known.family, released: known.released, quality: known.quality, energy: known.energy }),
      id,
      provider: provider.id,
      model,
      aliases: [],
    })
  }
  return { targets, refused }
}

/**
 * Open weights are the same wherever they run, so a local `gpt-oss:20b` is as good as a hosted one. Only quality and
 * energy carry over; context, price and speed are the server's.
 */
class OpenWeights {
  #targets: Target[]
  #by_name: Map<string, Target> | null = null

  constructor(targets: Target[]) {
    this.#targets = targets
  }

  /** By exact name or alias, then by the name without its folder, then without its tag: `qwen/qwen3.8-27b:q4` is `qwen3.8-27b`. */
  of(model: string): Target | undefined {
    // Made on first use: most deployments list no local model and need not pay for it.
    this.#by_name ??= new Map(
      this.#targets
        .filter(target => target.energy.confidence !== 'guess')
        .flatMap(target => plainNames(target).map(name => [name, target] as const)),
    )
    const name = model.toLowerCase()
    const bare = lastSegment(name)
    return this.#by_name.get(name) ?? this.#by_name.get(bare) ?? this.#by_name.get(bare.split(':', 1)[0] ?? bare)
  }
}

function live(target: Target, provider: Provider, chat_url: string, qualities: Catalogue['qualities'], now_ms: Ms): LiveTarget {
  const { price, until_ms } = priceAt(target.prices, now_ms)
  const wh = whPerToken(target, provider)
  const { quality, quality_uncertainty } = layOut(typeof target.quality === 'string' ? (qualities[target.quality] ?? []) : target.quality)
  return {
    id: target.id,
    target,
    provider,
    chat_url,
    terms: target.terms ?? provider.terms,
    readiness: target.readiness ?? provider.readiness,
    input_mask: maskOf(target.capability.input),
    output_mask: maskOf(target.capability.output),
    quality,
    quality_uncertainty,
    price,
    price_until_ms: until_ms,
    first_token_ms: target.latency_prior.first_token_ms,
    tokens_per_second: target.latency_prior.tokens_per_second,
    wh_per_output_token: wh.output,
    wh_per_input_token: wh.input,
  }
}

/**
 * Prior quality per task. A benchmark says something about its task and the overall figure says something about every
 * task, so each task's prior is their mean weighted by precision (the inverse of squared doubt): a sharp benchmark stands
 * nearly alone, a vague one moves toward the overall figure, and a task without one takes the overall figure with the
 * doubt that tasks differ.
 */
function layOut(rows: QualityRow[]): { quality: Float64Array; quality_uncertainty: Float64Array } {
  const precision = new Float64Array(TASKS.length)
  const weighted = new Float64Array(TASKS.length)
  let overall_precision = 0
  let overall_weighted = 0
  for (const row of rows) {
    // A row that claims no doubt at all still has some: 0.01 keeps its weight finite.
    const row_precision = 1 / Math.max(row.uncertainty, 0.01) ** 2
    if (row.task === null) {
      overall_precision += row_precision
      overall_weighted += row_precision * row.score
    } else {
      const index = TASKS.indexOf(row.task)
      precision[index] = (precision[index] ?? 0) + row_precision
      weighted[index] = (weighted[index] ?? 0) + row_precision * row.score
    }
  }
  const known = overall_precision > 0
  const mean = known ? overall_weighted / overall_precision : UNKNOWN.score
  const variance = known ? 1 / overall_precision + TASK_SPREAD ** 2 : UNKNOWN.uncertainty ** 2
  const quality = new Float64Array(TASKS.length)
  const quality_uncertainty = new Float64Array(TASKS.length)
  for (let index = 0; index < TASKS.length; index += 1) {
    const total = (precision[index] ?? 0) + 1 / variance
    quality[index] = ((weighted[index] ?? 0) + mean / variance) / total
    quality_uncertainty[index] = Math.sqrt(1 / total)
  }
  return { quality, quality_uncertainty }
}

/** Modalities as bits, in the order of `MODALITIES`. */
export function maskOf(modalities: readonly Modality[]): number {
  let mask = 0
  for (const one of modalities) mask |= 1 << MODALITIES.indexOf(one)
  return mask
}

/** Every plain name a caller may write for a target: the provider's own, the same without its folders, and its aliases. */
function plainNames(target: Target): string[] {
  const model = target.model.toLowerCase()
  const names = [model, lastSegment(model)]
  for (const alias of target.aliases) names.push(alias.toLowerCase())
  return names
}

function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

function namesOf(targets: LiveTarget[]): Map<string, LiveTarget[]> {
  const by_name = new Map<string, LiveTarget[]>()
  for (const one of targets) {
    for (const name of plainNames(one.target)) {
      const listed = by_name.get(name)
      if (listed === undefined) by_name.set(name, [one])
      else if (listed[listed.length - 1] !== one) listed.push(one)
    }
  }
  return by_name
}

/** FNV-1a over the ids of what is on, as 8 hex digits: enough to tell two configurations apart in a decision record. */
function digest(targets: LiveTarget[]): string {
  let hash = 0x811c9dc5
  for (const { id } of targets) {
    for (let index = 0; index <= id.length; index += 1) {
      hash = Math.imul(hash ^ (index < id.length ? id.charCodeAt(index) : 0), 0x01000193)
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}
