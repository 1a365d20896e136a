/**
 * The health of every target, as one region's requests find it. One writer for all isolates; what it knows rides back on
 * the answer to every report. The rules are in `core/health/` (`head.ts`, `fleet.ts`, `gate.ts`); this keeps the gates and makes the calls.
 *
 * One of them, for everywhere, also holds what every region tells of limits and credentials and what operators said, and each of the
 * others asks it every few seconds, behind a report and never before its answer (`core/health/everywhere.ts`).
 *
 * Where a region has too many isolates for one object to be called by, others stand before it as relays (`core/health/relay.ts`), under
 * names of their own; they keep no gates, and nothing in storage.
 *
 * The numbers by which it judges are those of the policy named `default`, which it reads from KV behind reports; what it answers says by which it judged, so
 * that isolates and relays judge alike. A gate that was opened by other numbers stays what it is, and goes on by the new ones.
 *
 * Counters live in memory and may be lost when the object is evicted, which only slows detection. What requests are kept
 * away by (states, waits, leases, limits) is in storage before anyone is told of it.
 */
import { DurableObject } from 'cloudflare:workers'
import { type Everywhere, everywhere, type Facts, type Heard, type Orders } from '../core/health/everywhere.ts'
import { type Gate, restored } from '../core/health/gate.ts'
import { mustOutlive } from '../core/health/gate-told.ts'
import { head } from '../core/health/head.ts'
import { REPORT_LIMIT_MS } from '../core/health/outbox.ts'
import { EVERYWHERE, PLACES } from '../core/health/region.ts'
import { ANSWER_WAIT_MS, type Relay, relay } from '../core/health/relay.ts'
import type { HealthReply, HealthReport, HealthSnapshot } from '../schema/health.ts'
import { GOVERNING_POLICY, type HealthRules, rulesFrom, USUAL_HEALTH } from '../schema/health-rules.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { type PolicyStore, policyStore } from './policies.ts'

/** How often the governing policy is looked at, while there are reports: an edit holds within so long, and isolates hear of it with their next snapshot. */
export const RULES_EVERY_MS: Ms = 10_000

export class HealthObject extends DurableObject<Env> {
  #changed = new Set<TargetId>()
  #rules: HealthRules = USUAL_HEALTH
  #rules_read_at_ms: Ms = Number.NEGATIVE_INFINITY
  #policies: PolicyStore
  #head = head(
    () => this.#rules,
    (target, before, after) => {
      if (mustOutlive(before, after)) this.#changed.add(target)
    },
  )
  #everywhere: Everywhere
  #relay: Relay | undefined
  /** What it is as an isolate of the region's object: begun anew, it is another. */
  #relay_id = ''
  /** The report that is under way to it, and the one that sets out after that. */
  #passing: Promise<void> | null = null
  #passing_next: Promise<void> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#policies = policyStore(env.KV)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS rules (one INTEGER PRIMARY KEY, rules TEXT NOT NULL)')
    for (const row of ctx.storage.sql.exec<{ rules: string }>('SELECT rules FROM rules')) {
      this.#rules = rulesFrom(JSON.parse(row.rules)) ?? USUAL_HEALTH
    }
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS gates (target TEXT PRIMARY KEY, gate TEXT NOT NULL)')
    for (const row of ctx.storage.sql.exec<{ target: string; gate: string }>('SELECT target, gate FROM gates')) {
      this.#head.fleet.restore(row.target, restored(JSON.parse(row.gate) as Gate, Date.now(), this.#rules))
    }
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS orders (target TEXT PRIMARY KEY, said TEXT NOT NULL)')
    const orders = [...ctx.storage.sql.exec<{ target: string; said: string }>('SELECT target, said FROM orders')]
    this.#everywhere = everywhere(Object.fromEntries(orders.map(({ target, said }) => [target, JSON.parse(said) as Orders[string]])))
  }

  /** What an isolate has seen, in the order it saw it, and which open targets it has a request for. Repeating a report changes nothing. */
  report(report: HealthReport): HealthReply {
    if (report.v !== 1) throw new Error(`A health report of version ${report.v} is not known here`)
    const now_ms = Date.now()
    this.#readRules(now_ms)
    const probes = this.#head.told(report, now_ms, Math.random)
    const facts = this.#head.due(now_ms)
    if (facts !== null) this.#askOthers(report.region ?? EVERYWHERE, facts, now_ms)
    this.#store()
    return this.#head.reply(probes, now_ms)
  }

  /** The same, of an object that is a relay of the region's. */
  async relay(report: HealthReport): Promise<HealthReply> {
    if (report.v !== 1) throw new Error(`A health report of version ${report.v} is not known here`)
    this.#relay ??= relay()
    this.#relay_id ||= crypto.randomUUID()
    const { pass_on, wait } = this.#relay.told(report, Date.now(), Math.random)
    if (pass_on) {
      const passed = this.#passedOn(this.#relay, report.region ?? EVERYWHERE)
      this.ctx.waitUntil(passed)
      if (wait) await Promise.race([passed, scheduler.wait(ANSWER_WAIT_MS)])
    }
    return this.#relay.answer(report, Date.now())
  }

  /** What has been told until now will be in the report that begins when the one under way is over. */
  #passedOn(relay: Relay, region: string): Promise<void> {
    if (this.#passing !== null) {
      this.#passing_next ??= this.#passing.then(() => {
        this.#passing_next = null
        return this.#passedOn(relay, region)
      })
      return this.#passing_next
    }
    this.#passing = this.#passOn(relay, region).finally(() => {
      this.#passing = null
    })
    return this.#passing
  }

  async #passOn(relay: Relay, region: string): Promise<void> {
    const gap_ms = relay.gapMs(Date.now())
    if (gap_ms > 0) await scheduler.wait(gap_ms)
    const sent_at_ms = Date.now()
    const report = relay.nextReport(sent_at_ms)
    if (report === null) return
    const object = this.env.HEALTH.getByName(region, { locationHint: PLACES[region] })
    const told: Promise<HealthReply> = object.report({ ...report, isolate: this.#relay_id, region })
    // Until the object answers again, the relay goes by what it sees itself.
    const reply = await Promise.race([told.catch(() => null), scheduler.wait(REPORT_LIMIT_MS).then(() => null)])
    if (reply === null) relay.missed(report, sent_at_ms)
    else relay.replied(reply, Date.now())
  }

  snapshot(): HealthSnapshot {
    return this.#head.snapshot(Date.now())
  }

  /** Of the object for everywhere: what a region knows, for what the others do. */
  exchange(region: string, facts: Facts): Heard {
    return this.#everywhere.exchange(region, facts, Date.now())
  }

  /**
   * Never waited for: until the policy is read, those hold that held before. A policy that is not usable changes nothing here, as it changes
   * nothing for requests.
   */
  #readRules(now_ms: Ms): void {
    if (Math.abs(now_ms - this.#rules_read_at_ms) < RULES_EVERY_MS) return
    this.#rules_read_at_ms = now_ms
    const read = Promise.resolve(this.#policies.policyFor(GOVERNING_POLICY, this.ctx, now_ms))
    this.ctx.waitUntil(read.then(found => this.#goBy(found?.policy.health)))
  }

  #goBy(told: HealthRules | undefined): void {
    const rules = rulesFrom(told)
    if (rules === null || JSON.stringify(rules) === JSON.stringify(this.#rules)) return
    this.#rules = rules
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO rules VALUES (1, ?)', JSON.stringify(rules))
  }

  /** Never waited for. Where it fails, what was heard before holds as long as its own instants say. */
  #askOthers(region: string, facts: Facts, now_ms: Ms): void {
    if (region === EVERYWHERE) {
      this.#head.heed(this.exchange(region, facts), now_ms, Math.random)
      return
    }
    const asked = this.env.HEALTH.getByName(EVERYWHERE).exchange(region, facts)
    this.ctx.waitUntil(
      asked.then(
        others => {
          this.#head.heed(others, Date.now(), Math.random)
          this.#store()
        },
        // It is asked again in a few seconds.
        () => undefined,
      ),
    )
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
    this.#head.fleet.command(target, command, now_ms, Math.random)
    this.#changed.add(target)
    this.#everywhere.order(target, command, now_ms)
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO orders VALUES (?, ?)', target, JSON.stringify(this.#everywhere.orders[target]))
    this.#store()
    return this.#head.snapshot(now_ms)
  }

  #store(): void {
    for (const target of this.#changed) {
      this.ctx.storage.sql.exec(
        'INSERT OR REPLACE INTO gates VALUES (?, ?)',
        target,
        JSON.stringify(this.#head.fleet.gates.get(target) ?? null),
      )
    }
    this.#changed.clear()
  }
}
