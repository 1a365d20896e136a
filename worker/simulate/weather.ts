/**
 * What goes wrong, where and when: spells over targets. The weather, the request and the try decide what a call meets; the
 * draws for it come from the seed by these numbers, so two ways of carrying a request meet the same fate.
 */
import type { Ms } from '../schema/units.ts'
import { logNormal } from './chance.ts'

export type SpellKind = 'outage' | 'unreachable' | 'brown_out' | 'silence' | 'slow' | 'rate_limit' | 'cut'
export type Spell = {
  kind: SpellKind
  /** Which target: 0 is who would answer first, 1 the next. */
  target: number
  from_ms: Ms
  until_ms: Ms
  /** Calls from this region only, counted from 0; from all where absent. */
  region?: number
  /** Of the calls that meet it; all where absent. */
  share?: number
  /** On and off by turns, each this long. */
  period_ms?: Ms
}
export type Weather = {
  name: string
  /** Share of calls that fail with a 500 in the best weather. */
  base: number
  spells: Spell[]
  /** When the object that knows the fleet's health does not answer. */
  object_away?: { from_ms: Ms; until_ms: Ms }
}

export type Fate =
  | { meets: 'answer'; first_token_ms: Ms; whole_ms: Ms }
  /** Broken off at `whole_ms`. */
  | { meets: 'cut'; first_token_ms: Ms; whole_ms: Ms }
  | { meets: 'status'; status: number; after_ms: Ms; retry_after_ms: Ms | null }
  | { meets: 'unreachable'; after_ms: Ms }
  | { meets: 'silence' }

/** What a target is like in good weather. */
export type Nature = { first_token_ms: Ms; tokens_per_second: number }

/** Spread of ln(first token), as measured over public status data. */
const SIGMA = 0.6
const ERROR_AFTER_MS = 120
const SLOW_FACTOR = 4
const RETRY_AFTER_MS = 5_000
/** A cut answer breaks off after this much of its time. */
const CUT_AFTER = 0.75

export const NO_WEATHER: Weather = { name: 'fair', base: 0.01, spells: [] }

/** The named weathers of the command; each begins after a minute and lasts two. */
export const WEATHERS: Record<string, Weather> = Object.fromEntries(
  (
    [
      ['fair', []],
      ['outage', [{ kind: 'outage' }]],
      ['unreachable', [{ kind: 'unreachable' }]],
      ['brown-out', [{ kind: 'brown_out', share: 0.25 }]],
      ['silence', [{ kind: 'silence' }]],
      ['slow', [{ kind: 'slow' }]],
      ['rate-limits', [{ kind: 'rate_limit', share: 0.5 }]],
      ['flapping', [{ kind: 'outage', period_ms: 10_000 }]],
      ['cuts', [{ kind: 'cut', share: 0.25 }]],
      ['all-down', [{ kind: 'outage' }, { kind: 'outage', target: 1 }, { kind: 'outage', target: 2 }]],
    ] as [string, Partial<Spell>[]][]
  ).map(([name, spells]) => [
    name,
    {
      name,
      base: 0.01,
      spells: spells.map(spell => ({ kind: 'outage', target: 0, from_ms: 60_000, until_ms: 180_000, ...spell })),
    } satisfies Weather,
  ]),
)

/** `since_ms`: since the world began · `chance`: a draw by number, the same for this call whenever it is asked. */
export function fateOf(
  { base, spells }: Weather,
  target: number,
  region: number,
  nature: Nature,
  since_ms: Ms,
  tokens: number,
  poisoned: boolean,
  chance: (n: number) => number,
): Fate {
  if (poisoned) return { meets: 'status', status: 502, after_ms: ERROR_AFTER_MS, retry_after_ms: null }
  let slowed = 1
  let cut = false
  for (const [n, spell] of spells.entries()) {
    if (spell.target !== target || since_ms < spell.from_ms || since_ms >= spell.until_ms) continue
    if (spell.region !== undefined && spell.region !== region) continue
    if (spell.period_ms !== undefined && Math.floor((since_ms - spell.from_ms) / spell.period_ms) % 2 === 1) continue
    if (spell.share !== undefined && chance(10 + n) >= spell.share) continue
    switch (spell.kind) {
      case 'outage':
      case 'brown_out':
        return { meets: 'status', status: 503, after_ms: ERROR_AFTER_MS, retry_after_ms: null }
      case 'unreachable':
        return { meets: 'unreachable', after_ms: ERROR_AFTER_MS }
      case 'silence':
        return { meets: 'silence' }
      case 'rate_limit':
        return { meets: 'status', status: 429, after_ms: ERROR_AFTER_MS, retry_after_ms: RETRY_AFTER_MS }
      case 'slow':
        slowed = SLOW_FACTOR
        break
      case 'cut':
        cut = true
        break
    }
  }
  if (chance(1) < base) return { meets: 'status', status: 500, after_ms: ERROR_AFTER_MS, retry_after_ms: null }
  const first_token_ms = Math.round(slowed * logNormal(nature.first_token_ms, SIGMA, chance(2), chance(3)))
  const answer_ms = Math.round((slowed * tokens * 1_000) / nature.tokens_per_second)
  const whole_ms = first_token_ms + (cut ? CUT_AFTER * answer_ms : answer_ms)
  return { meets: cut ? 'cut' : 'answer', first_token_ms, whole_ms }
}
