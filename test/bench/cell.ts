/**
 * One cell of the table: one contender under one scenario, once. Load, and what it cost the processes that bore it.
 */
import type { DialectName } from '../../worker/schema/chat.ts'
import { faultOfFlow, WORDS } from './flows.ts'
import type { Answer } from './http-answer.ts'
import { type Load, load } from './load.ts'
import { CORES, cpuMicros, machineBusyMicros, residentBytes, type Started } from './processes.ts'
import type { Asked } from './requests.ts'
import { requests } from './requests.ts'
import type { Scenario } from './scenarios.ts'

export type Cell = {
  scenario: string
  contender: string
  round: number
  answers: number
  answers_per_s: number
  /** Processor time of the contender's process tree, per answer, its work after the answers included. */
  cpu_us: number
  cpu_us_per_event: number | null
  p50_ms: number
  p99_ms: number
  first_byte_p50_ms: number
  cold_start_ms: number | null
  resident_bytes: number | null
  /** Share of the machine that others used meanwhile. */
  foreign: number
  /** Why the figures do not count, or null. */
  void: string | null
}

export type Timing = {
  duration_ms: number
  warm_up_ms: number
  /** After the last answer, for what a gateway does behind it: its reports and records count as its cost. */
  linger_ms: number
}

/** A gateway that has not given its first answer by then is not started. */
const FIRST_ANSWER_WAIT_MS = 10_000

const rest = (wait_ms: number) => new Promise(resolve => setTimeout(resolve, wait_ms))
export const quantile = (sorted: number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

type Setting = { scenario: Scenario; contender: string; round: number; target: Started; upstream: Started; asked: Asked; timing: Timing }

export async function measure({ scenario, contender, round, target, upstream, asked, timing }: Setting): Promise<Cell> {
  const plan = {
    port: target.port,
    requests: requests(asked, scenario.body_bytes, scenario.stream),
    connections: scenario.connections,
    stream: scenario.stream,
    ...(asked.answers && { fault: (answer: Answer) => faultOfFlow(answer, asked.answers as DialectName) }),
  }
  let cold_start_ms: number | null = null
  if (scenario.fresh) {
    await load({ ...plan, connections: 1, duration_ms: FIRST_ANSWER_WAIT_MS, requests_max: 1 })
    cold_start_ms = performance.now() - target.spawned_at_ms
  } else if (timing.warm_up_ms > 0) await load({ ...plan, duration_ms: timing.warm_up_ms })

  const began_at_ms = performance.now()
  const before = cpuMicros(target.pid)
  const ours_before = ours(target, upstream)
  const busy_before = machineBusyMicros()
  const result: Load = await load({ ...plan, duration_ms: timing.duration_ms })
  await rest(timing.linger_ms)
  const cpu_us = cpuMicros(target.pid) - before
  const busy_us = machineBusyMicros() - busy_before
  const ours_us = ours(target, upstream) - ours_before
  const capacity_us = (performance.now() - began_at_ms) * 1_000 * CORES
  return {
    scenario: scenario.name,
    contender,
    round,
    answers: result.answers,
    answers_per_s: result.answers / (result.wall_ms / 1_000),
    cpu_us: cpu_us / result.answers,
    // Formats have more or fewer events for the same words.
    cpu_us_per_event: scenario.flow ? cpu_us / (result.answers * WORDS) : result.events > 0 ? cpu_us / result.events : null,
    p50_ms: quantile(result.latencies_ms, 0.5),
    p99_ms: quantile(result.latencies_ms, 0.99),
    first_byte_p50_ms: quantile(result.first_bytes_ms, 0.5),
    cold_start_ms,
    resident_bytes: scenario.fresh ? residentBytes(target.pid) : null,
    foreign: Math.max(0, (busy_us - ours_us) / capacity_us),
    void: result.fault,
  }
}

/** Processor time of the driver, the upstream and the contender: everything else on the machine is foreign. */
function ours(target: Started, upstream: Started): number {
  const { user, system } = process.cpuUsage()
  return user + system + cpuMicros(target.pid) + (upstream.pid === target.pid ? 0 : cpuMicros(upstream.pid))
}
