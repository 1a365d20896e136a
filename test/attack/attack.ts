/**
 * What crafted text can buy, measured: prompts of the released corpus under the bundled default policy, first as they are, then each with
 * a gadget of ten words. An upgrade is a request that goes to a dear target and did not before. Spend is what the chosen target asks for the
 * prompt as it is sent and an answer as long as the clean prompt's is expected to be: the question is the same. With the bound on, a caller's share of dear targets is judged by the very rules of `core/spend/limits.ts`, request by request
 * through one hour: a dear target is not eligible once its share is used up.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownCorpus } from '../../policies/training/data.ts'
import { bundledUnderstanding } from '../../worker/cli/policy-files.ts'
import { decide } from '../../worker/core/decide/decide.ts'
import { compilePolicy } from '../../worker/core/decide/rules.ts'
import { callerOf, requestOf } from '../../worker/core/decide/sketch.ts'
import { instantOf, only, wholeCatalogue } from '../../worker/core/decide/trial.ts'
import type { World } from '../../worker/core/decide/world.ts'
import { begin, emptyAccount, standing } from '../../worker/core/spend/limits.ts'
import { estimateCost } from '../../worker/core/spend/price.ts'
import type { Understanding } from '../../worker/core/understand/artefact.ts'
import { ENTRIES } from '../../worker/core/understand/lexicon.ts'
import { understand } from '../../worker/core/understand/understand.ts'
import { catalogue as catalogueShape } from '../../worker/schema/catalogue.ts'
import type { AccountLimits, Expensive } from '../../worker/schema/limits.ts'
import { difficulty, PLACES, type Place, search, withGadget } from './search.ts'

const POLICIES = join(import.meta.dirname, '../../policies')
const HOUR_MS = 3_600_000

/** `words`: how many the greedy search tries. `searched`: prompts the attacker sees; `attacked`: others, on which all figures are. */
export type Size = { searched: number; attacked: number; words: number }
export const WHOLE: Size = { searched: 40, attacked: 1_000, words: 400 }
export const SHORT: Size = { searched: 12, attacked: 400, words: 40 }

type Sent = { output_micros_per_mtok: number; output_tokens: number; cost_micros: number }

export type Attacked = {
  name: string
  place: Place
  gadget: string[]
  difficulty: number
  /** Of the requests that did not go to a dear target before, the share that now does. */
  upgraded: number
  /** Spend over the clean traffic's, without the bound and with it. */
  spend: number
  bounded: number
}
export type Report = {
  prompts: number
  targets: number
  clean_difficulty: number
  bound: Expensive[]
  attacks: Attacked[]
}

export function attackReport(size: Size): Report {
  const model = bundledUnderstanding()
  const { prompts, hidden } = split(size)
  const world = worldOf()
  const clean = prompts.map(prompt => sent(prompt, world, model))
  const bound = boundFor(clean)
  const dear_from = bound.at(-1)?.above_micros_per_mtok ?? 0
  const isDear = (one: Sent) => one.output_micros_per_mtok > dear_from
  const clean_spend = sum(clean)
  const attacks = PLACES.flatMap(place =>
    Object.entries(candidatesFor(size, hidden)).map(([name, candidates]): Attacked => {
      const gadget = name === 'random' ? candidates.slice(0, 10) : search(candidates, hidden, place, model)
      const crafted = prompts.map(prompt => withGadget(prompt, gadget, place))
      const answers = clean.map(one => one.output_tokens)
      const now = crafted.map((prompt, i) => sent(prompt, world, model, answers[i]))
      const upgradable = clean.flatMap((one, i) => (isDear(one) ? [] : [i]))
      return {
        name,
        place,
        gadget,
        difficulty: mean(crafted.map(prompt => difficulty(prompt, model))),
        upgraded: upgradable.filter(i => isDear(now[i] as Sent)).length / upgradable.length,
        spend: sum(now) / clean_spend,
        bounded: boundedSpend(crafted, answers, world, model, bound) / clean_spend,
      }
    }),
  )
  return {
    prompts: prompts.length,
    targets: world.catalogue.targets.length,
    clean_difficulty: mean(prompts.map(prompt => difficulty(prompt, model))),
    bound,
    attacks,
  }
}

/** Every group of the corpus lies wholly on one side, so no gadget is found on a variant of what it is tried on. */
function split({ searched, attacked }: Size): { prompts: string[]; hidden: string[] } {
  const groups = [...Map.groupBy(ownCorpus(), each => each.group).values()].map(group => (group[0] as { prompt: string }).prompt)
  const every = Math.max(1, Math.floor(groups.length / searched))
  const hidden = groups.filter((_, i) => i % every === 0).slice(0, searched)
  const seen = new Set(hidden)
  const rest = ownCorpus().filter(each => !seen.has(each.prompt))
  const step = Math.max(1, Math.floor(rest.length / attacked))
  return {
    hidden,
    prompts: rest
      .filter((_, i) => i % step === 0)
      .slice(0, attacked)
      .map(each => each.prompt),
  }
}

function worldOf(): World {
  const catalogue = catalogueShape.parse(JSON.parse(readFileSync(join(POLICIES, 'catalogue.json'), 'utf8')))
  const policy = compilePolicy(readFileSync(join(POLICIES, 'default.yaml'), 'utf8'), 'bundled')
  if (!policy.ok) throw new Error(JSON.stringify(policy.error))
  return {
    // Of priced targets alone: going from what is free to what costs anything is no ratio.
    catalogue: only(
      wholeCatalogue(catalogue),
      target => (target.price?.output_micros_per_mtok ?? 0) > 0 && target.provider.transport !== 'worker',
    ),
    policy: policy.value,
    policy_names: [],
    health: { v: 1, taken_at_ms: 0, targets: {} },
    codecs: new Set(catalogue.providers.map(provider => provider.dialect)),
    losses: () => [],
    caller: callerOf({ prompt: '' }),
    now_ms: instantOf(catalogue),
    draw: 0.5,
    decision_id: 'dec_00000000-0000-0000-0000-000000000000',
    endpoint: '/v1/chat/completions',
  }
}

/** `output_tokens`: of the answer, where the prompt is another's in disguise. */
function sent(prompt: string, world: World, model: Understanding, output_tokens?: number): Sent {
  const request = requestOf({ prompt })
  const decided = decide(request, understand(request, model), world)
  if (!decided.ok) throw new Error(`${decided.error.code} for ${prompt.slice(0, 60)}`)
  const { chosen, features } = decided.value
  const price = world.catalogue.by_id.get(chosen)?.price ?? null
  const answer_tokens = output_tokens ?? features.expected_output_tokens
  return {
    output_micros_per_mtok: price?.output_micros_per_mtok ?? Number.POSITIVE_INFINITY,
    output_tokens: answer_tokens,
    cost_micros: estimateCost(features.prompt_tokens, answer_tokens, price) ?? 0,
  }
}

/** The quantiles of honest requests' prices at which a bound is set. */
const BOUND_AT = [0.1, 0.3, 0.6, 0.9]

/**
 * Of the honest share so much is let through. Honest traffic sends what is hard to dear targets, which is often answered briefly; crafted text sends
 * the long answers there too, so a share by number of requests buys it more tokens than honest traffic had (a seventh more spend at the full share).
 */
const SHARE_KEPT = 0.9

/**
 * The bound as an operator would set it from a week of honest traffic: above each of these quantiles of the price, dear targets may have
 * nine tenths of the share they had, to the half hundredth.
 */
function boundFor(clean: readonly Sent[]): Expensive[] {
  const prices = clean.map(one => one.output_micros_per_mtok).sort((a, b) => a - b)
  const above = new Set(BOUND_AT.map(at => prices[Math.floor(at * prices.length)] as number))
  return [...above].map(above_micros_per_mtok => ({
    share:
      Math.round(((SHARE_KEPT * clean.filter(one => one.output_micros_per_mtok > above_micros_per_mtok).length) / clean.length) * 200) /
      200,
    above_micros_per_mtok,
  }))
}

function boundedSpend(
  prompts: readonly string[],
  answers: readonly number[],
  world: World,
  model: Understanding,
  expensive: Expensive[],
): number {
  const account = emptyAccount()
  const accountOf = () => account
  const accounts: AccountLimits[] = [{ account: 'org', budgets: [], rates: [], expensive }]
  let spend = 0
  prompts.forEach((prompt, i) => {
    const now_ms = world.now_ms + Math.floor((i * HOUR_MS) / prompts.length)
    const limited = { hard: false, accounts, tokens: 0, output_micros_per_mtok: null }
    const { too_dear_above_micros_per_mtok } = standing(limited, accountOf, [], now_ms)
    const bounded = too_dear_above_micros_per_mtok === null ? world : { ...world, too_dear_above_micros_per_mtok }
    const one = sent(prompt, bounded, model, answers[i])
    begin(
      { at_ms: now_ms, reserved_micros: 0, limited: { ...limited, output_micros_per_mtok: one.output_micros_per_mtok } },
      accountOf,
      now_ms,
    )
    spend += one.cost_micros
  })
  return spend
}

/** What each attacker tries: ten ordinary words; the corpus's frequent words; the lexicon's own phrases. */
function candidatesFor({ words }: Size, hidden: readonly string[]): Record<'random' | 'greedy' | 'white box', string[]> {
  const counts = new Map<string, number>()
  for (const { prompt } of ownCorpus())
    for (const word of new Set(prompt.toLowerCase().match(/[a-z]{3,}/g) ?? [])) counts.set(word, (counts.get(word) ?? 0) + 1)
  const frequent = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([word]) => word)
  const own = new Set(hidden.join(' ').toLowerCase().split(/\W+/))
  const lexicon = ENTRIES.filter(([cue]) => cue === 'hard' || cue === 'mathematics' || cue === 'reasoning' || cue === 'long').flatMap(
    ([, , phrases]) => phrases.split('|'),
  )
  return {
    random: frequent
      .slice(40)
      .filter(word => !own.has(word))
      .slice(0, 10),
    greedy: frequent.slice(0, words),
    'white box': lexicon.slice(0, words),
  }
}

const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length
const sum = (all: readonly Sent[]) => all.reduce((total, one) => total + one.cost_micros, 0)
