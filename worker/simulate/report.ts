/**
 * What a simulated run says, as numbers and as lines to read.
 */
import type { Ms } from '../schema/units.ts'
import type { Outcomes } from './cluster.ts'
import type { Scene } from './scene.ts'
import { quantile } from './single.ts'
import type { Weather } from './weather.ts'
import type { Workload } from './workload.ts'

export type Figures = {
  requests: number
  /** Share of all requests whose caller saw an error, before or after the answer had begun. */
  failed: number
  cut: number
  first_token_p50_ms: Ms
  first_token_p99_ms: Ms
  calls_per_request: number
  /** Of the requests that began in the spell: the share that called the target it struck, in vain. */
  wasted: number
  /** The wait that failed calls cost, of the requests in the spell that were answered. */
  added_p99_ms: Ms
  /** From the end of the spell until the first choice answers a request again, and until nine in ten begin there; null where that is never. */
  back_ms: Ms | null
  full_ms: Ms | null
  object_calls_per_s: number
}

/** Requests over which "nine in ten" is counted. */
const BACK_OVER = 20

export function figuresOf({ journeys, unplanned, object_calls }: Outcomes, scene: Scene, weather: Weather, workload: Workload): Figures {
  const requests = journeys.length + unplanned
  const from_ms = Math.min(...weather.spells.map(spell => spell.from_ms))
  const until_ms = Math.max(...weather.spells.map(spell => spell.until_ms))
  const struck = scene.order[weather.spells[0]?.target ?? 0]
  const sorted = [...journeys].sort((a, b) => a.started_at_ms - b.started_at_ms)
  const during = sorted.filter(({ started_at_ms }) => started_at_ms >= from_ms && started_at_ms < until_ms)
  const inVain = during.filter(({ attempts }) => attempts.some(each => each.target === struck && each.class !== 'ok'))
  const added = during
    .filter(({ how }) => how === 'answered')
    .map(({ attempts, started_at_ms }) => (attempts.at(-1)?.sent_at_ms ?? 0) - startOfAll(attempts, started_at_ms))
  const tokens = journeys.flatMap(({ first_token_ms }) => (first_token_ms === null ? [] : [first_token_ms]))
  const after = sorted.filter(({ started_at_ms }) => started_at_ms >= until_ms)
  const back = after.find(({ attempts, how }) => how === 'answered' && attempts.at(-1)?.target === struck)
  const full = after.find((_, i) => {
    const next = after.slice(i, i + BACK_OVER)
    return next.length === BACK_OVER && next.filter(({ attempts }) => attempts[0]?.target === struck).length >= 0.9 * BACK_OVER
  })
  return {
    requests,
    failed: (journeys.filter(({ how }) => how === 'failed').length + unplanned) / requests,
    cut: journeys.filter(({ how }) => how === 'cut').length / requests,
    first_token_p50_ms: quantile(tokens, 0.5),
    first_token_p99_ms: quantile(tokens, 0.99),
    calls_per_request: journeys.reduce((sum, { attempts }) => sum + attempts.length, 0) / requests,
    wasted: during.length === 0 ? 0 : inVain.length / during.length,
    added_p99_ms: quantile(added, 0.99),
    back_ms: back === undefined ? null : back.started_at_ms - until_ms,
    full_ms: full === undefined ? null : full.started_at_ms - until_ms,
    object_calls_per_s: (object_calls * 1_000) / workload.duration_ms,
  }
}

/** Attempts keep the world's time, journeys the time since it began; the first attempt is sent when its request begins. */
const startOfAll = (attempts: { sent_at_ms: Ms }[], started_at_ms: Ms) => attempts[0]?.sent_at_ms ?? started_at_ms

const relayed = ({ relays, looks, found }: Outcomes['traffic']) =>
  `${relays > 0 ? `by ${relays} relays to` : 'to'} the object; of ${looks} looks into data centres' caches ${found} were enough`

export function linesOf(figures: Figures, outcomes: Outcomes, scene: Scene): string[] {
  const percent = (share: number, digits = 2) => `${(share * 100).toFixed(digits)} %`
  const seconds = (ms: Ms | null) => (ms === null ? 'never' : `${(ms / 1_000).toFixed(1)} s`)
  const turned = outcomes.transitions.filter(({ target }) => scene.order.includes(target))
  const shown = turned.slice(0, 12).map(({ target, state, at_ms }) => `  ${(at_ms / 1_000).toFixed(1).padStart(7)} s  ${target} ${state}`)
  return [
    `requests                ${figures.requests}`,
    `answered                ${percent(1 - figures.failed - figures.cut, 3)}`,
    `callers who saw errors  ${percent(figures.failed, 3)} before, ${percent(figures.cut, 3)} in the middle of the answer`,
    `calls a request         ${figures.calls_per_request.toFixed(3)}`,
    `first token             p50 ${Math.round(figures.first_token_p50_ms)} ms, p99 ${Math.round(figures.first_token_p99_ms)} ms`,
    ...(Number.isNaN(figures.added_p99_ms)
      ? []
      : [
          `in the spell            ${percent(figures.wasted)} called in vain, p99 of the wait for it ${Math.round(figures.added_p99_ms)} ms`,
          `back on the first       ${seconds(figures.back_ms)} after the spell, nine in ten requests ${seconds(figures.full_ms)}`,
        ]),
    `reports of isolates     ${figures.object_calls_per_s.toFixed(1)} a second, ${relayed(outcomes.traffic)}`,
    '',
    turned.length === 0
      ? 'No gate moved.'
      : `Gates, as the fleet saw them${turned.length > 12 ? `, the first 12 of ${turned.length}` : ''}:`,
    ...shown,
    '',
    outcomes.broken.length === 0
      ? 'Invariants I5 to I7, I9 to I12 (and I8 with --bytes) held at every step.'
      : `BROKEN INVARIANTS\n${outcomes.broken.map(({ invariant, request, what }) => `  ${invariant} request ${request}: ${what}`).join('\n')}`,
  ]
}
