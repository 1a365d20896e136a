/**
 * Starting, weighing and stopping the processes of the benchmark, by process id. Linux only: what a process used is read
 * from /proc.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'

export type Started = {
  pid: number
  port: number
  spawned_at_ms: number
  stop(): Promise<void>
}

const STOP_WAIT_MS = 3_000
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS)
    child.once('exit', () => {
      clearTimeout(late)
      resolve()
    })
    child.kill('SIGTERM')
  })
}

type Launch = {
  command: string
  args: string[]
  env?: Record<string, string>
  /** File descriptor on which it writes `{"port": ...}` as a line of JSON, among others. */
  port_on: 1 | 3
}

/** The last words of a process, for the message when it fails to start. */
const WORDS_KEPT = 2_000

/** Starts a process that says on which port it listens. */
export function launch({ command, args, env, port_on }: Launch): Promise<Started> {
  const spawned_at_ms = performance.now()
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let words = ''
  const hear = (chunk: Buffer) => {
    words = (words + chunk).slice(-WORDS_KEPT)
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${command} did not start:\n${words}`))
    child.once('error', reject)
    child.once('exit', fail)
    let lines = ''
    const listen = (chunk: Buffer) => {
      lines += chunk
      // The runtime also tells the port of its inspector.
      const found = /(?:"socket":"http",|\{)"port":(\d+)/.exec(lines)
      if (found === null || child.pid === undefined) return
      child.removeListener('exit', fail)
      resolve({ pid: child.pid, port: Number(found[1]), spawned_at_ms, stop: () => stop(child) })
    }
    ;(child.stdio[port_on] as Readable).on('data', listen)
  })
}

/** Starts a process that can only be told its port, and waits until something listens there. */
export async function launchOnPort(command: string, args: (port: number) => string[], env: Record<string, string>): Promise<Started> {
  const port = await freePort()
  const spawned_at_ms = performance.now()
  const child = spawn(command, args(port), { env: { ...process.env, ...env }, stdio: 'ignore' })
  running.add(child)
  child.once('exit', () => running.delete(child))
  while (!(await listens(port))) {
    if (child.pid === undefined || child.exitCode !== null || performance.now() - spawned_at_ms > 20_000)
      throw new Error(`${command} did not start`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return { pid: child.pid as number, port, spawned_at_ms, stop: () => stop(child) }
}

export const freePort = () =>
  new Promise<number>(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0))
    })
  })

async function listens(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) })
    return true
  } catch {
    return false // Not yet.
  }
}

/** A process and all that it started. */
export function treeOf(pid: number): number[] {
  const parents = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = Number(statOf(Number(entry))?.[1])
    parents.set(parent, [...(parents.get(parent) ?? []), Number(entry)])
  }
  const tree = [pid]
  for (let index = 0; index < tree.length; index++) tree.push(...(parents.get(tree[index] as number) ?? []))
  return tree
}

/** Fields of /proc/<pid>/stat from the state on; null where the process is gone. */
function statOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

const TICK_US = 10_000

/**
 * Processor time of the process tree. The scheduler's own count of its threads, to the nanosecond, where it can be read:
 * the ticks of `utime` and `stime` are 10 ms each, which is 1 % of a short cell.
 */
export function cpuMicros(pid: number): number {
  let micros = 0
  for (const member of treeOf(pid)) {
    try {
      for (const thread of readdirSync(`/proc/${member}/task`)) {
        micros += Number(readFileSync(`/proc/${member}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1_000
      }
    } catch {
      const stat = statOf(member)
      if (stat !== null) micros += (Number(stat[11]) + Number(stat[12])) * TICK_US
    }
  }
  return micros
}

export function residentBytes(pid: number): number {
  let kib = 0
  for (const member of treeOf(pid)) {
    try {
      kib += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${member}/status`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It ended between the listing and the look.
    }
  }
  return kib * 1_024
}

/** Processor time that the whole machine spent busy, stolen time included. */
export function machineBusyMicros(): number {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).trim().split(/\s+/).slice(1).map(Number)
  const [user, nice, system, , , irq, softirq, steal] = fields as [number, number, number, number, number, number, number, number]
  return (user + nice + system + irq + softirq + steal) * TICK_US
}

export const CORES = availableParallelism()
