/**
 * The health of every target, as one region's requests find it. One writer for all isolates; what it knows rides back on
 * the answer to every report. The rules are in `core/health/gate.ts`; this only keeps the gates.
 *
 * Counters live in memory and may be lost when the object is evicted, which only slows detection. What requests are kept
 * away by (states, waits, leases, limits) is in storage before anyone is told of it.
 */
import { DurableObject } from 'cloudflare:workers'
import { type Gate, grantProbe, healthOf, mustOutlive, newGate, step } from '../core/health/gate.ts'
import type { HealthReply, HealthReport, HealthSnapshot } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

/** Isolates whose last report number is remembered; one that falls out can at worst have a repeated report count twice. */
const ISOLATES_KEPT = 5_000
/** Targets kept. Ids come from our own isolates' catalogues, which have far fewer. */
const TARGETS_KEPT = 2_000
const OUTCOMES_AT_MOST = 1_000

export class HealthObject extends DurableObject<Env> {
  #gates = new Map<TargetId, Gate>()
  #last_seq = new Map<string, number>()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS gates (target TEXT PRIMARY KEY, gate TEXT NOT NULL)')
    for (const row of ctx.storage.sql.exec<{ target: string; gate: string }>('SELECT target, gate FROM gates')) {
      this.#gates.set(row.target, JSON.parse(row.gate) as Gate)
    }
  }

  /** What an isolate has seen, in the order it saw it, and which open targets it has a request for. Repeating a report changes nothing. */
  report(report: HealthReport): HealthReply {
    if (report.v !== 1) throw new Error(`A health report of version ${report.v} is not known here`)
    const now_ms = Date.now()
    const changed = new Set<TargetId>()
    if (this.#isNew(report)) {
      for (const outcome of report.outcomes.slice(0, OUTCOMES_AT_MOST)) {
        const before = this.#gates.get(outcome.target) ?? newGate(now_ms)
        this.#put(outcome.target, before, step(before, outcome, now_ms, Math.random()), changed)
      }
    }
    const probes: TargetId[] = []
    for (const target of report.wants_probe) {
      const before = this.#gates.get(target)
      if (!before) continue
      const { gate, granted } = grantProbe(before, now_ms)
      this.#put(target, before, gate, changed)
      if (granted) probes.push(target)
    }
    this.#store(changed)
    return { v: 1, snapshot: this.#snapshot(now_ms), probes }
  }

  snapshot(): HealthSnapshot {
    return this.#snapshot(Date.now())
  }

  /** By hand: nothing is sent there until it is restored, however it behaves. */
  isolate(target: TargetId): HealthSnapshot {
    return this.#command(target, 'isolate')
  }

  /** Ends an isolation; traffic comes back slowly. */
  restore(target: TargetId): HealthSnapshot {
    return this.#command(target, 'release')
  }

  /** An operator has replaced the credential: its targets are tried again at once. */
  credentialChanged(target: TargetId): HealthSnapshot {
    return this.#command(target, 'credential_changed')
  }

  #command(target: TargetId, command: 'isolate' | 'release' | 'credential_changed'): HealthSnapshot {
    const now_ms = Date.now()
    const before = this.#gates.get(target) ?? newGate(now_ms)
    const changed = new Set([target])
    this.#put(target, before, step(before, command, now_ms, Math.random()), changed)
    this.#store(changed)
    return this.#snapshot(now_ms)
  }

  #put(target: TargetId, before: Gate, after: Gate, changed: Set<TargetId>): void {
    if (!this.#gates.has(target) && this.#gates.size >= TARGETS_KEPT) return
    this.#gates.set(target, after)
    if (mustOutlive(before, after)) changed.add(target)
  }

  #store(changed: Set<TargetId>): void {
    for (const target of changed) {
      this.ctx.storage.sql.exec('INSERT OR REPLACE INTO gates VALUES (?, ?)', target, JSON.stringify(this.#gates.get(target) ?? null))
    }
  }

  #isNew({ isolate, seq }: HealthReport): boolean {
    if (seq <= (this.#last_seq.get(isolate) ?? -1)) return false
    this.#last_seq.delete(isolate)
    this.#last_seq.set(isolate, seq)
    if (this.#last_seq.size > ISOLATES_KEPT) this.#last_seq.delete(this.#last_seq.keys().next().value ?? isolate)
    return true
  }

  #snapshot(taken_at_ms: Ms): HealthSnapshot {
    const targets: HealthSnapshot['targets'] = {}
    for (const [target, gate] of this.#gates) targets[target] = healthOf(gate, taken_at_ms)
    return { v: 1, taken_at_ms, targets }
  }
}
