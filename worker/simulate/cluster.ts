/**
 * A whole edge in one process: isolates, the object that knows the fleet's health, callers and the weather over the targets.
 * Understanding, deciding, the gate, the merging of views and the batching of reports are the ones that serve; requests are
 * carried by the real dispatch (`carry`) or, for large runs, by the same plan without bytes (`walk`).
 */
import { decide } from '../core/decide/decide.ts'
import { everywhere } from '../core/health/everywhere.ts'
import { EVIDENCE } from '../core/health/evidence.ts'
import { healthOf } from '../core/health/gate-told.ts'
import { ok, type Result } from '../core/result.ts'
import { type Allowance, hedgeAllowance, retryAllowance } from '../dispatch/allowance.ts'
import type { Caller } from '../schema/caller.ts'
import type { DecisionRecord, Plan } from '../schema/decision.ts'
import { NO_HEALTH, type Outcome } from '../schema/health.ts'
import { rulesFrom, USUAL_HEALTH } from '../schema/health-rules.ts'
import type { Ms } from '../schema/units.ts'
import type { MadeRule, Rule } from './baselines.ts'
import { carry } from './carry.ts'
import { chanceOf, draws, wait } from './chance.ts'
import { type SimClock, simClock } from './clock.ts'
import { watch } from './invariants.ts'
import { type Isolate, isolateOn } from './isolate.ts'
import type { Journey, Passenger, Told } from './journey.ts'
import { type Line, type Region, region } from './region.ts'
import { CODECS, callerFor, type Scene, START_MS } from './scene.ts'
import { walk } from './walk.ts'
import { fateOf, type Weather } from './weather.ts'
import type { Workload } from './workload.ts'

/** Who says which targets are asked: our gate, fed by the fleet or by each isolate alone; another's rule, per isolate; or nobody. */
export type Judgement = { by: 'gate'; shared: boolean } | { by: 'rule'; rule: MadeRule } | { by: 'nobody' }

export type Run = {
  scene: Scene
  workload: Workload
  weather: Weather
  seed: number
  judgement?: Judgement
  /** Through the real dispatch, byte by byte. */
  bytes?: boolean
  onJourney?(journey: Journey, request: number): void
}

export type Outcomes = {
  journeys: Journey[]
  unplanned: number
  object_calls: number
  /** What the objects, the relays and the caches of all regions had to do (`region.ts`), and the most reports with nothing urgent to tell of one isolate within two seconds. */
  traffic: Region['counts'] & { one_isolate_in_2s: number }
  /** When a target's gate opened and closed, as the region with this number saw it. */
  transitions: { target: string; region: number; state: string; at_ms: Ms }[]
  /** When a region began to trust a target less, for what happens elsewhere. */
  wary: { target: string; region: number; at_ms: Ms }[]
  broken: ReturnType<typeof watch>['broken']
}

const LEASE_SLACK_MS: Ms = 0
/** After the last request began, so that all of them end. */
const AFTER_MS: Ms = 60_000
/** After the weather has ended, until every gate must have recovered. */
const HEALED_WITHIN_MS: Ms = 60_000
/** Where messages are lost, a probe may have to be asked for twice. */
const HEALED_WITHIN_LOSSY_MS: Ms = 90_000

/** What an isolate may ask beyond what it was asked for. */
type Extra = Pick<Passenger, 'retries' | 'hedges'>

export async function run({
  scene,
  workload,
  weather,
  seed,
  judgement = { by: 'gate', shared: true },
  bytes = false,
  onJourney,
}: Run): Promise<Outcomes> {
  const clock = simClock(START_MS)
  const chance = draws(seed)
  const watched = watch()
  const transitions: Outcomes['transitions'] = []
  const wary: Outcomes['wary'] = []
  const shared = judgement.by === 'gate' && judgement.shared
  const away = shared ? weather.object_away : { from_ms: 0, until_ms: Number.POSITIVE_INFINITY }
  const line: Line = {
    one_way_ms: workload.object_ms,
    loss: workload.object_loss,
    away: away ? { from_ms: START_MS + away.from_ms, until_ms: START_MS + away.until_ms } : null,
    draw: draws(seed + 1),
  }
  const others = everywhere()
  const rules = rulesFrom(scene.policy.policy.health) ?? USUAL_HEALTH
  const regions: Region[] = Array.from({ length: workload.regions }, (_, n) =>
    region(`region-${n}`, line, clock, others, rules, (target, before, after) => {
      if (before.state !== after.state) transitions.push({ target, region: n, state: after.state, at_ms: clock.nowMs() - START_MS })
      const { lease_until_ms, wary_until_ms } = after
      if (wary_until_ms !== null && (before.wary_until_ms ?? 0) < wary_until_ms)
        wary.push({ target, region: n, at_ms: clock.nowMs() - START_MS })
      const leased = `${target} in region ${n}`
      if (lease_until_ms !== null && lease_until_ms !== before.lease_until_ms && !(after.lease_used && !before.lease_used))
        watched.leased(leased, lease_until_ms + LEASE_SLACK_MS, clock.nowMs())
      if (lease_until_ms === null && before.lease_until_ms !== null) watched.leased(leased, 0, Number.POSITIVE_INFINITY)
    }),
  )
  const isolates: Isolate[] = Array.from({ length: workload.isolates }, (_, i) => {
    const colo = workload.colos === 0 ? null : Math.floor(i / workload.regions) % workload.colos
    return isolateOn(`isolate-${i}`, regions[i % workload.regions] as Region, colo, clock, chance)
  })
  const rules_of_others = isolates.map(() => new Map<string, Rule>())
  const retries = isolates.map(retryAllowance)
  const hedges = isolates.map(hedgeAllowance)
  const callers = new Map<string, Caller>()
  const journeys: Journey[] = []
  let unplanned = 0
  let told_of = 0

  /** The world did not begin with the run: every tenant was answered by every target a moment ago. */
  for (const { head } of regions) {
    for (const target of scene.order) {
      for (let n = 0; n < workload.tenants; n++) {
        const told: Told = { target, class: 'ok', sent_at_ms: START_MS, first_token_ms: null, retry_after_ms: null, probe: false }
        head.fleet.began(1)
        head.fleet.observe(outcomeOf(told, -1 - n, `org-${n}`, START_MS), START_MS, chance)
        told_of++
      }
    }
  }

  function begin(number: number): void {
    const started_at_ms = clock.nowMs()
    const at = Math.floor(chance() * isolates.length)
    const isolate = isolates[at] as Isolate
    const poisoned = chance() < workload.poison
    const org = poisoned ? 'org-poison' : `org-${Math.floor(chance() * workload.tenants)}`
    const own = rules_of_others[at] as Map<string, Rule>
    const extra = { retries: retries[at] as Allowance, hedges: hedges[at] as Allowance }
    if (judgement.by === 'gate') {
      isolate.whenFresh(() => {
        watched.waited(number, clock.nowMs() - started_at_ms, clock.nowMs())
        set(number, started_at_ms, org, poisoned, isolate, own, extra)
      })
    }
    if (judgement.by !== 'gate') set(number, started_at_ms, org, poisoned, isolate, own, extra)
  }

  function set(
    number: number,
    started_at_ms: Ms,
    org: string,
    poisoned: boolean,
    isolate: Isolate,
    own: Map<string, Rule>,
    { retries, hedges }: Extra,
  ): void {
    const decided = plan(number, org, isolate, own)
    if (!decided.ok) {
      unplanned++
      return
    }
    const at_region = regions.indexOf(isolate.region)
    const passenger: Passenger = {
      number,
      org,
      plan: decided.value.plan,
      started_at_ms,
      fateOf: (target, nth) => {
        const index = scene.order.indexOf(target)
        const known = scene.catalogue.by_id.get(target)
        const nature = { first_token_ms: known?.first_token_ms ?? 600, tokens_per_second: known?.tokens_per_second ?? 80 }
        const drawn = (n: number) => chanceOf(seed, number, nth * 16 + index + 1, n)
        return fateOf(weather, index, at_region, nature, clock.nowMs() - START_MS, workload.tokens, poisoned, drawn)
      },
      tell: told => tell(told, number, org, isolate, own),
      draw: chance,
      retries,
      hedges,
    }
    const done = (journey: Journey) => {
      watched.ended(number, passenger.plan, journey)
      const since = { ...journey, started_at_ms: started_at_ms - START_MS, ended_at_ms: journey.ended_at_ms - START_MS }
      journeys.push(since)
      onJourney?.(since, number)
    }
    if (bytes) carry(passenger, decided.value, scene, clock, done, () => watched.wrongText(number, clock.nowMs()))
    else walk(passenger, clock, done)
  }

  function plan(number: number, org: string, isolate: Isolate, own: Map<string, Rule>): Result<DecisionRecord, unknown> {
    const now_ms = clock.nowMs()
    const gated = judgement.by === 'gate'
    const health = gated ? isolate.see(now_ms) : NO_HEALTH
    const caller = callers.get(org) ?? callerFor(org, scene.policy)
    callers.set(org, caller)
    const decided = decide(scene.request, scene.features, {
      catalogue: scene.catalogue,
      policy: scene.policy,
      policy_names: [],
      health,
      ...(gated && { probes: isolate.view.probes(now_ms) }),
      codecs: CODECS,
      losses: () => [],
      caller,
      now_ms,
      draw: chance(),
      decision_id: `dec_${number}`,
      endpoint: '/v1/chat/completions',
    })
    if (!decided.ok) return decided
    if (gated) {
      watched.decided(number, decided.value.plan, health, now_ms)
      isolate.took(decided.value.plan)
      return decided
    }
    return ok({ ...decided.value, plan: ruled(decided.value.plan, own, now_ms) })
  }

  /** Another's rule takes targets out of the plan; where it would take all, it takes none. */
  function ruled(plan: Plan, own: Map<string, Rule>, now_ms: Ms): Plan {
    if (judgement.by !== 'rule') return plan
    const steps = plan.steps.filter(step => own.get(step.target)?.admits(now_ms) ?? true)
    return steps.length > 0 ? { ...plan, steps } : plan
  }

  function tell(told: Told, number: number, org: string, isolate: Isolate, own: Map<string, Rule>): void {
    const now_ms = clock.nowMs()
    if (judgement.by === 'nobody') return
    if (judgement.by === 'rule') {
      if (told.class === 'late' || told.class === 'client' || told.class === 'cancelled') return
      const rule = own.get(told.target) ?? judgement.rule.make()
      own.set(told.target, rule)
      rule.saw(told.class === 'ok', now_ms)
      return
    }
    const outcome = outcomeOf(told, number, org, now_ms)
    if (EVIDENCE[outcome.class].says !== 'none' && outcome.class !== 'late') told_of++
    isolate.report(outcome)
  }

  function outcomeOf(told: Told, number: number, org: string, at_ms: Ms): Outcome {
    return { ...told, decision_id: `dec_${number}`, org, size: scene.features.size, at_ms, tokens_per_second: null }
  }

  function arrive(number: number): void {
    const next_ms = clock.nowMs() + wait(1_000 / workload.rps, chance())
    if (next_ms < START_MS + workload.duration_ms) clock.at(next_ms, () => arrive(number + 1))
    begin(number)
  }
  clock.at(START_MS, () => arrive(0))

  const healed_ms =
    Math.max(0, ...weather.spells.map(spell => spell.until_ms)) + (workload.object_loss > 0 ? HEALED_WITHIN_LOSSY_MS : HEALED_WITHIN_MS)
  if (shared && !weather.object_away && weather.spells.length > 0 && healed_ms < workload.duration_ms) {
    clock.at(START_MS + healed_ms, () => {
      for (const { head } of regions)
        for (const [target, gate] of head.fleet.gates)
          watched.healed(target, healthOf(gate, clock.nowMs(), rules), gate.lease_used, clock.nowMs())
    })
  }
  const until_ms = START_MS + workload.duration_ms + AFTER_MS
  await advance(clock, until_ms, bytes)
  const counted = regions.flatMap(({ head }) => [...head.fleet.gates.values()].map(gate => gate.samples))
  watched.counted(
    counted.reduce((sum, samples) => sum + samples, 0),
    told_of,
    clock.nowMs(),
  )
  const sum = (of: keyof Region['counts']) => regions.reduce((total, { counts }) => total + counts[of], 0)
  const most = (of: keyof Region['counts']) => Math.max(...regions.map(({ counts }) => counts[of]))
  const traffic = {
    sent: sum('sent'),
    at_head: sum('at_head'),
    busiest_per_s: most('busiest_per_s'),
    relays: most('relays'),
    looks: sum('looks'),
    found: sum('found'),
    one_isolate_in_2s: Math.max(...isolates.map(isolate => isolate.mostInTwoSeconds())),
  }
  return { journeys, unplanned, object_calls: traffic.sent, traffic, transitions, wary, broken: watched.broken }
}

async function advance(clock: SimClock, until_ms: Ms, bytes: boolean): Promise<void> {
  if (bytes) await clock.settleUntil(until_ms)
  else clock.runUntil(until_ms)
}
