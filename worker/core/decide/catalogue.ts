/**
 * From the catalogue and the configuration to the targets that are switched on. Run once when an isolate starts and again
 * when either changes, so that a decision only reads: addresses are joined, modalities are bits, prior quality is an array
 * indexed by task, and the price is the one in force.
 *
 * A provider is on when everything it names is there: its switch, its secret, its address and the variables inside that
 * address. What is off stays out of every decision, and is listed with the one sentence that would switch it on. A faulty
 * setting switches off its own provider and nothing else.
 */
import type { Catalogue, Provider, Target } from '../../schema/catalogue.ts'
import { ENDPOINT_PATHS, ENDPOINTS, type EndpointName, PASSED_ENDPOINTS, type PassedEndpoint } from '../../schema/endpoint.ts'
import { MODALITIES, type Modality } from '../../schema/features.ts'
import type { Ms } from '../../schema/units.ts'
import { gridOf, whPerToken } from '../spend/energy.ts'
import { priceAt } from '../spend/price.ts'
import { baseAddress, type Variables } from './address.ts'
import { bound } from './binding.ts'
import { localTargets, openWeights } from './local-models.ts'
import { parametersOf } from './parameters.ts'
import { plainNames } from './plain-names.ts'
import { qualityByTask } from './quality-prior.ts'
import type { LiveCatalogue, LiveTarget } from './world.ts'

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
  const weights = openWeights(catalogue.targets)
  const serving = new Map<EndpointName, LiveTarget[]>(ENDPOINTS.map(endpoint => [endpoint, []]))
  const off: LiveCatalogue['off'] = []
  for (const entry of catalogue.providers) {
    const provider = bound(entry, variables)
    const listed = targetsOf.get(provider.id) ?? []
    const base = baseAddress(provider, variables)
    if (!base.ok) {
      off.push({ provider: provider.id, targets: listed.length, how_to_enable: base.error })
      continue
    }
    const local = localTargets(provider, variables, weights)
    for (const refused of local.refused) off.push({ provider: provider.id, targets: 1, how_to_enable: refused })
    if (listed.length + local.targets.length === 0 && local.refused.length === 0) {
      off.push({ provider: provider.id, targets: 0, how_to_enable: provider.how_to_enable })
    }
    for (const target of [...listed, ...local.targets]) {
      for (const endpoint of target.serves ?? provider.serves ?? CHAT_ALONE) {
        serving.get(endpoint)?.push(live(target, provider, base.value, endpoint, catalogue, now_ms))
      }
    }
  }
  const whole = `${version}-${digest([...serving.values()].flat())}`
  const everywhere = new Map<EndpointName, LiveCatalogue>()
  const of = (endpoint: EndpointName): LiveCatalogue => {
    const targets = serving.get(endpoint) ?? []
    return {
      version: whole,
      targets,
      by_id: new Map(targets.map(target => [target.id, target])),
      by_name: namesOf(targets),
      off,
      serving: new Map(),
      everywhere,
    }
  }
  const serving_each = new Map(PASSED_ENDPOINTS.map((endpoint): [PassedEndpoint, LiveCatalogue] => [endpoint, of(endpoint)]))
  const chat = { ...of('chat'), serving: serving_each }
  everywhere.set('chat', chat)
  for (const [endpoint, one] of serving_each) everywhere.set(endpoint, one)
  return chat
}

const CHAT_ALONE: EndpointName[] = ['chat']

/** Every target once, whatever it serves; those for chat first. */
export function everyTarget({ targets, serving }: LiveCatalogue): LiveTarget[] {
  const every = new Map(targets.map(target => [target.id, target]))
  for (const one of serving.values()) for (const target of one.targets) if (!every.has(target.id)) every.set(target.id, target)
  return [...every.values()]
}

function live(
  target: Target,
  provider: Provider,
  base: string,
  endpoint: EndpointName,
  { qualities, grids }: Pick<Catalogue, 'qualities' | 'grids'>,
  now_ms: Ms,
): LiveTarget {
  const { price, until_ms } = priceAt(target.prices, now_ms)
  const wh = whPerToken(target, provider)
  const { quality, quality_uncertainty } = qualityByTask(
    typeof target.quality === 'string' ? (qualities[target.quality] ?? []) : target.quality,
  )
  return {
    id: target.id,
    target,
    provider,
    ...addressesOf(target, provider, base, endpoint),
    // What a provider says of request fields, it says of chat.
    parameters: parametersOf(target, endpoint === 'chat' ? provider : NOTHING_SAID),
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
    grid_kg_co2e_per_kwh: gridOf(provider, (target.terms ?? provider.terms).regions, grids),
  }
}

const NOTHING_SAID = { output_limit_field: null, refuses: [] }

function addressesOf(
  target: Target,
  provider: Provider,
  base: string,
  endpoint: EndpointName,
): Pick<LiveTarget, 'chat_url' | 'stream_url'> {
  const path = endpoint === 'chat' ? provider.chat_path : (provider.paths?.[endpoint] ?? ENDPOINT_PATHS[endpoint])
  const stream_path = endpoint === 'chat' ? (provider.stream_path ?? path) : path
  return { chat_url: base + pathFor(path, target), stream_url: base + pathFor(stream_path, target) }
}

/** A model's name fills one segment of the path, whatever it holds: `arn:aws:...`, `openai/gpt-oss-120b`. */
const pathFor = (path: string, { model }: Target) => path.replaceAll('{model}', () => encodeURIComponent(model))

/** Modalities as bits, in the order of `MODALITIES`. */
export function maskOf(modalities: readonly Modality[]): number {
  let mask = 0
  for (const one of modalities) mask |= 1 << MODALITIES.indexOf(one)
  return mask
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
