/**
 * What a region's health object does, but for its storage and its calls: it hears isolates (or relays for them), keeps the gates, gives
 * leases, counts its callers, and hears every few seconds what holds in the other regions (`everywhere.ts`). Apart from the
 * platform so that the simulation runs the same.
 */
import type { HealthReply, HealthReport, HealthSnapshot } from '../../schema/health.ts'
import { type HealthRules, USUAL_HEALTH } from '../../schema/health-rules.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { bewareOf, EXCHANGE_EVERY_MS, type Facts, factsOf, type Heard, NOTHING_HEARD, withOthers } from './everywhere.ts'
import { type Fleet, fleet } from './fleet.ts'
import { type Gate, type GateCommand, newGate } from './gate.ts'
import { healthOf } from './gate-told.ts'
import { heard } from './heard.ts'
import { relayCount } from './relays.ts'

export type Head = {
  fleet: Fleet
  /** What an isolate has seen, in the order it saw it, and which open targets it has a request for: those that it is given. Repeating a report changes nothing. */
  told(report: HealthReport, now_ms: Ms, draw: () => number): TargetId[]
  reply(probes: TargetId[], now_ms: Ms): HealthReply
  snapshot(now_ms: Ms): HealthSnapshot
  /** What the other regions should be told now; null while they were told lately. */
  due(now_ms: Ms): Facts | null
  heed(others: Heard, now_ms: Ms, draw: () => number): void
}

/** `rules`: those that hold now. `onChange` hears of every gate that became another. */
export function head(rules: () => HealthRules, onChange?: (target: TargetId, before: Gate, after: Gate) => void): Head {
  const known = fleet(rules, onChange)
  const reports = heard()
  const calls = relayCount()
  let others = NOTHING_HEARD
  let exchanged_at_ms: Ms = 0

  /** It says by which rules, so that isolates judge what they see themselves by the same. */
  function snapshot(now_ms: Ms): HealthSnapshot {
    const judged_by = rules()
    const all = withOthers(known.snapshot(now_ms), others, now_ms, () => healthOf(newGate(now_ms, judged_by), now_ms, judged_by))
    return judged_by === USUAL_HEALTH ? all : { ...all, rules: judged_by }
  }

  return {
    fleet: known,
    snapshot,
    told(report, now_ms, draw) {
      calls.called(report.calls ?? 1, report.relays, now_ms)
      if (report.begun) known.began(report.begun)
      for (const outcome of reports.fresh(report)) known.observe(outcome, now_ms, draw)
      for (const target of report.uses_probe ?? []) known.use(target, now_ms)
      return report.wants_probe.filter(target => known.grant(target, now_ms))
    },
    reply: (probes, now_ms) => ({ v: 1, snapshot: snapshot(now_ms), probes, relays: calls.relays() }),
    due(now_ms) {
      if (now_ms - exchanged_at_ms < EXCHANGE_EVERY_MS) return null
      exchanged_at_ms = now_ms
      return factsOf(known.snapshot(now_ms), now_ms)
    },
    heed(heard_now, now_ms, draw) {
      others = heard_now
      const move = (target: TargetId, command: GateCommand) => known.command(target, command, now_ms, draw)
      for (const [target, order] of Object.entries(others.orders)) {
        const gate = known.gates.get(target)
        if (order.isolated && gate?.state !== 'isolated') move(target, 'isolate')
        if (!order.isolated && gate?.state === 'isolated') move(target, 'release')
        if (gate?.auth_broken_at_ms != null && gate.auth_broken_at_ms < order.credential_at_ms) move(target, 'credential_changed')
      }
      for (const target of bewareOf(others, rules())) {
        const gate = known.gates.get(target)
        if (gate !== undefined && (gate.wary_until_ms ?? 0) <= now_ms) move(target, 'beware')
      }
    },
  }
}
