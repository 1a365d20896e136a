/**
 * The gates of all targets, and what can only be seen across them. Whoever hears of outcomes keeps one: the health object for
 * a region, and each isolate for its own fresh experience.
 *
 * Three things are seen across gates. A request that failed here and was answered elsewhere was sound, so the failure was the
 * target's (`confirmed`). A request that failed in the same way at two providers is likelier broken itself, so it speaks against
 * neither (`withdrawn`): one tenant's poison must not take a target from all. And where two targets of one provider
 * open within some seconds, something that they share is failing, so its other targets are believed less for a while (`beware`).
 * The requests of one that has shut go to others, which are not judged by the first that they fail (`surge.ts`).
 */
import type { HealthSnapshot, Outcome, OutcomeClass } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { DecisionId, TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { isDoubtful } from './doubt.ts'
import { EVIDENCE } from './evidence.ts'
import { type Gate, type GateCommand, newGate, step } from './gate.ts'
import { healthOf } from './gate-told.ts'
import { grantProbe, useProbe } from './probe.ts'
import { surges } from './surge.ts'

/** Targets kept. Ids come from our own isolates' catalogues, which have far fewer. */
const TARGETS_KEPT = 2_000
/** Requests whose failures still wait for a verdict; a request is over within minutes, and most within seconds. */
const CASES_KEPT = 500
/** Providers whose openings are remembered; a catalogue has a few dozen. */
const PROVIDERS_KEPT = 200

export type Fleet = {
  gates: ReadonlyMap<TargetId, Gate>
  observe(outcome: Outcome, now_ms: Ms, draw: () => number): void
  /** So many requests have begun, to whatever target (`surge.ts`). */
  began(count: number): void
  command(target: TargetId, command: GateCommand, now_ms: Ms, draw: () => number): void
  /** A lease to try an open target once, where one is due. */
  grant(target: TargetId, now_ms: Ms): boolean
  /** A request has set out on it. */
  use(target: TargetId, now_ms: Ms): void
  /** Puts back a gate that its owner had stored. */
  restore(target: TargetId, gate: Gate): void
  snapshot(now_ms: Ms): HealthSnapshot
}

type Opening = { target: TargetId; at_ms: Ms }
type Failure = { target: TargetId; class: OutcomeClass }

/** Target ids are `provider/model`. */
export const providerOf = (target: TargetId): string => target.split('/', 1)[0] ?? target

/** `rules`: asked at each step, so that a change of policy holds from the next one on. `onChange` hears of every gate that became another. */
export function fleet(rules: () => HealthRules, onChange: (target: TargetId, before: Gate, after: Gate) => void = () => {}): Fleet {
  const gates = new Map<TargetId, Gate>()
  const cases = new Map<DecisionId, Failure[]>()
  const openings = new Map<string, Opening[]>()
  const wary_from_ms = new Map<string, Ms>()
  const surging = surges(rules)

  function put(target: TargetId, before: Gate, after: Gate, now_ms: Ms): void {
    if (!gates.has(target) && gates.size >= TARGETS_KEPT) return
    gates.set(target, after)
    if (lets(before) && after.state === 'open') {
      noteOpening(target, now_ms)
      surging.left(target, now_ms)
    }
    if (lets(after) && !lets(before)) surging.back(target, now_ms)
    onChange(target, before, after)
  }

  function move(target: TargetId, event: Parameters<typeof step>[1], now_ms: Ms, draw: () => number): void {
    const before = gates.get(target) ?? newGate(now_ms, rules())
    put(target, before, step(before, event, now_ms, draw(), rules(), surging.underWay(target, now_ms)), now_ms)
  }

  function noteOpening(target: TargetId, now_ms: Ms): void {
    const provider = providerOf(target)
    const recent = (openings.get(provider) ?? []).filter(each => each.target !== target && now_ms - each.at_ms <= rules().wary.together_ms)
    keep(openings, provider, [...recent, { target, at_ms: now_ms }], PROVIDERS_KEPT)
    if (recent.length > 0) keep(wary_from_ms, provider, now_ms, PROVIDERS_KEPT)
  }

  /** Told to each gate once, when it is next heard of. */
  function warn(target: TargetId, now_ms: Ms, draw: () => number): void {
    const from_ms = wary_from_ms.get(providerOf(target))
    if (from_ms === undefined || from_ms < now_ms - rules().wary.together_ms) return
    if ((gates.get(target)?.wary_until_ms ?? 0) <= from_ms) move(target, 'beware', now_ms, draw)
  }

  /** What earlier failures of the same request are worth, now that it has also come to this. */
  function judgeCase(outcome: Outcome, now_ms: Ms, draw: () => number): void {
    // Mostly nothing waits for a verdict; and to look up a new text costs more than all the rest of this.
    if (outcome.class === 'ok' && cases.size === 0) return
    const { decision_id, target } = outcome
    const failures = cases.get(decision_id)
    const verdict = (of: Failure, verdict: 'confirmed' | 'withdrawn') => move(of.target, { verdict, decision_id }, now_ms, draw)
    if (outcome.class === 'ok') {
      if (failures === undefined) return
      cases.delete(decision_id)
      for (const failure of failures) if (failure.target !== target) verdict(failure, 'confirmed')
    } else if (isDoubtful(outcome.class)) {
      const mine = { target, class: outcome.class }
      const echoes = failures?.filter(each => each.class === mine.class && providerOf(each.target) !== providerOf(target)) ?? []
      for (const echo of echoes) verdict(echo, 'withdrawn')
      if (echoes.length > 0) verdict(mine, 'withdrawn')
      keep(cases, decision_id, [...(failures ?? []), mine], CASES_KEPT)
    }
  }

  return {
    gates,
    observe(outcome, now_ms, draw) {
      // Of a newer isolate: what it means is not known here, and the others in its report are.
      if (!Object.hasOwn(EVIDENCE, outcome.class)) return
      if (wary_from_ms.size > 0) warn(outcome.target, now_ms, draw)
      if (outcome.class !== 'late') surging.heard(outcome.target, now_ms)
      move(outcome.target, outcome, now_ms, draw)
      if (outcome.class === 'ok' && gates.get(outcome.target)?.suspicion.fast === 0) surging.calm(outcome.target)
      judgeCase(outcome, now_ms, draw)
    },
    began: surging.began,
    command: move,
    grant(target, now_ms) {
      const before = gates.get(target)
      if (before === undefined) return false
      const { gate, granted } = grantProbe(before, now_ms, rules(), false)
      put(target, before, gate, now_ms)
      return granted
    },
    use(target, now_ms) {
      const before = gates.get(target)
      if (before !== undefined) put(target, before, useProbe(before, now_ms, rules()), now_ms)
    },
    restore: (target, gate) => void gates.set(target, gate),
    snapshot(taken_at_ms) {
      const targets: HealthSnapshot['targets'] = {}
      for (const [target, gate] of gates) targets[target] = healthOf(gate, taken_at_ms, rules())
      return { v: 1, taken_at_ms, targets }
    },
  }
}

const lets = ({ state }: Gate) => state === 'closed' || state === 'ramp'

/** The one heard of longest ago makes room. */
function keep<K, V>(memory: Map<K, V>, key: K, value: V, at_most: number): void {
  memory.delete(key)
  memory.set(key, value)
  if (memory.size > at_most) memory.delete(memory.keys().next().value ?? key)
}
