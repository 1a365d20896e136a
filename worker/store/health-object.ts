/**
 * The health of every target, as one region's requests find it. One writer for all isolates; what it knows rides back on
 * the answer to every report. The rules are in `core/health/` (`fleet.ts`, `gate.ts`); this only keeps the gates.
 *
 * One of them, for everywhere, also holds what every region tells of limits and credentials and what operators said, and each of the
 * others asks it every few seconds, behind a report and never before its answer (`core/health/everywhere.ts`).
 *
 * Counters live in memory and may be lost when the object is evicted, which only slows detection. What requests are kept
 * away by (states, waits, leases, limits) is in storage before anyone is told of it.
 */
import { DurableObject } from 'cloudflare:workers'
import {
  bewareOf,
  type Everywhere,
  EXCHANGE_EVERY_MS,
  everywhere,
  type Facts,
  factsOf,
  type Heard,
  NOTHING_HEARD,
  type Orders,
  withOthers,
} from '../core/health/everywhere.ts'
import { fleet } from '../core/health/fleet.ts'
import { type Gate, type GateCommand, healthOf, mustOutlive, newGate, restored } from '../core/health/gate.ts'
import { heard } from '../core/health/heard.ts'
import { EVERYWHERE } from '../core/health/region.ts'
import type { HealthReply, HealthReport, HealthSnapshot } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

export class HealthObject extends DurableObject<Env> {
  #changed = new Set<TargetId>()
  #fleet = fleet((target, before, after) => {
    if (mustOutlive(before, after)) this.#changed.add(target)
  })
  #reports = heard()
  #everywhere: Everywhere
  #others: Heard = NOTHING_HEARD
  #exchanged_at_ms: Ms = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS gates (target TEXT PRIMARY KEY, gate TEXT NOT NULL)')
    for (const row of ctx.storage.sql.exec<{ target: string; gate: string }>('SELECT target, gate FROM gates')) {
      this.#fleet.restore(row.target, restored(JSON.parse(row.gate) as Gate, Date.now()))
    }
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS orders (target TEXT PRIMARY KEY, said TEXT NOT NULL)')
    const orders = [...ctx.storage.sql.exec<{ target: string; said: string }>('SELECT target, said FROM orders')]
    this.#everywhere = everywhere(Object.fromEntries(orders.map(({ target, said }) => [target, JSON.parse(said) as Orders[string]])))
  }

  /** What an isolate has seen, in the order it saw it, and which open targets it has a request for. Repeating a report changes nothing. */
  report(report: HealthReport): HealthReply {
    if (report.v !== 1) throw new Error(`A health report of version ${report.v} is not known here`)
    const now_ms = Date.now()
    for (const outcome of this.#reports.fresh(report)) this.#fleet.observe(outcome, now_ms, Math.random)
    for (const target of report.uses_probe ?? []) this.#fleet.use(target, now_ms)
    const probes = report.wants_probe.filter(target => this.#fleet.grant(target, now_ms))
    if (now_ms - this.#exchanged_at_ms >= EXCHANGE_EVERY_MS) this.#askOthers(report.region ?? EVERYWHERE, now_ms)
    this.#store()
    return { v: 1, snapshot: this.#snapshot(now_ms), probes }
  }

  snapshot(): HealthSnapshot {
    return this.#snapshot(Date.now())
  }

  /** Of the object for everywhere: what a region knows, for what the others do. */
  exchange(region: string, facts: Facts): Heard {
    return this.#everywhere.exchange(region, facts, Date.now())
  }

  #snapshot(now_ms: Ms): HealthSnapshot {
    return withOthers(this.#fleet.snapshot(now_ms), this.#others, now_ms, () => healthOf(newGate(now_ms), now_ms))
  }

  /** Never waited for. Where it fails, what was heard before holds as long as its own instants say. */
  #askOthers(region: string, now_ms: Ms): void {
    this.#exchanged_at_ms = now_ms
    const facts = factsOf(this.#fleet.snapshot(now_ms), now_ms)
    if (region === EVERYWHERE) {
      this.#heed(this.exchange(region, facts), now_ms)
      return
    }
    const asked = this.env.HEALTH.getByName(EVERYWHERE).exchange(region, facts)
    this.ctx.waitUntil(
      asked.then(
        others => {
          this.#heed(others, Date.now())
          this.#store()
        },
        // It is asked again in a few seconds.
        () => undefined,
      ),
    )
  }

  #heed(others: Heard, now_ms: Ms): void {
    this.#others = others
    const move = (target: TargetId, command: GateCommand) => this.#fleet.command(target, command, now_ms, Math.random)
    for (const [target, order] of Object.entries(others.orders)) {
      const gate = this.#fleet.gates.get(target)
      if (order.isolated && gate?.state !== 'isolated') move(target, 'isolate')
      if (!order.isolated && gate?.state === 'isolated') move(target, 'release')
      if (gate?.auth_broken_at_ms != null && gate.auth_broken_at_ms < order.credential_at_ms) move(target, 'credential_changed')
    }
    for (const target of bewareOf(others)) {
      const gate = this.#fleet.gates.get(target)
      if (gate !== undefined && (gate.wary_until_ms ?? 0) <= now_ms) move(target, 'beware')
    }
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

  /** Said to the object for everywhere, it reaches every region within seconds. */
  #command(target: TargetId, command: 'isolate' | 'release' | 'credential_changed'): HealthSnapshot {
    const now_ms = Date.now()
    this.#fleet.command(target, command, now_ms, Math.random)
    this.#changed.add(target)
    this.#everywhere.order(target, command, now_ms)
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO orders VALUES (?, ?)', target, JSON.stringify(this.#everywhere.orders[target]))
    this.#store()
    return this.#snapshot(now_ms)
  }

  #store(): void {
    for (const target of this.#changed) {
      this.ctx.storage.sql.exec('INSERT OR REPLACE INTO gates VALUES (?, ?)', target, JSON.stringify(this.#fleet.gates.get(target) ?? null))
    }
    this.#changed.clear()
  }
}
