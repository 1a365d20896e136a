/**
 * The health of every target, as one region's requests find it. One writer for all isolates; what it knows rides back on
 * the answer to every report. The rules are in `core/health/` (`fleet.ts`, `gate.ts`); this only keeps the gates.
 *
 * Counters live in memory and may be lost when the object is evicted, which only slows detection. What requests are kept
 * away by (states, waits, leases, limits) is in storage before anyone is told of it.
 */
import { DurableObject } from 'cloudflare:workers'
import { fleet } from '../core/health/fleet.ts'
import { type Gate, mustOutlive, restored } from '../core/health/gate.ts'
import { heard } from '../core/health/heard.ts'
import type { HealthReply, HealthReport, HealthSnapshot } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'

export class HealthObject extends DurableObject<Env> {
  #changed = new Set<TargetId>()
  #fleet = fleet((target, before, after) => {
    if (mustOutlive(before, after)) this.#changed.add(target)
  })
  #heard = heard()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS gates (target TEXT PRIMARY KEY, gate TEXT NOT NULL)')
    for (const row of ctx.storage.sql.exec<{ target: string; gate: string }>('SELECT target, gate FROM gates')) {
      this.#fleet.restore(row.target, restored(JSON.parse(row.gate) as Gate, Date.now()))
    }
  }

  /** What an isolate has seen, in the order it saw it, and which open targets it has a request for. Repeating a report changes nothing. */
  report(report: HealthReport): HealthReply {
    if (report.v !== 1) throw new Error(`A health report of version ${report.v} is not known here`)
    const now_ms = Date.now()
    for (const outcome of this.#heard.fresh(report)) this.#fleet.observe(outcome, now_ms, Math.random)
    for (const target of report.uses_probe ?? []) this.#fleet.use(target, now_ms)
    const probes = report.wants_probe.filter(target => this.#fleet.grant(target, now_ms))
    this.#store()
    return { v: 1, snapshot: this.#fleet.snapshot(now_ms), probes }
  }

  snapshot(): HealthSnapshot {
    return this.#fleet.snapshot(Date.now())
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
    this.#fleet.command(target, command, now_ms, Math.random)
    this.#changed.add(target)
    this.#store()
    return this.#fleet.snapshot(now_ms)
  }

  #store(): void {
    for (const target of this.#changed) {
      this.ctx.storage.sql.exec('INSERT OR REPLACE INTO gates VALUES (?, ?)', target, JSON.stringify(this.#fleet.gates.get(target) ?? null))
    }
    this.#changed.clear()
  }
}
