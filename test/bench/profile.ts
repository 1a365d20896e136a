/**
 * Where a contender's processor time goes: a CPU profile of its isolates while a scenario runs, taken through workerd's
 * inspector and told as functions by the time spent in themselves, or with `--inclusive`
 * by the time with all they called.
 *
 *   node test/bench/profile.ts --contender signalbox --scenario json-2k-16 --seconds 5 --top 40
 *
 * `(program)` is the runtime outside JavaScript: sockets, HTTP, streams, SQLite.
 *
 * With `--memory made` it tells bytes instead: what each function allocated; with `--memory kept` only what outlived collections of young
 * memory, which is what full collections are for and what they cost.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { PEERS, settle } from './contenders.ts'
import { load } from './load.ts'
import { cpuMicros, freePort, launch } from './processes.ts'
import { requests } from './requests.ts'
import { SCENARIOS } from './scenarios.ts'
import { SIGNALBOX } from './signalbox.ts'

type Node = { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }
type Callee = { callFrame: Node['callFrame']; selfSize: number; children: Callee[] }
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[] }

const SAMPLE_EVERY_US = 100
const SAMPLE_EVERY_BYTES = 1_024

/** A session with one isolate's inspector: calls by name, answered in turn. */
async function inspect(url: string) {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (result: unknown) => void>()
  let last = 0
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: unknown }
    if (id !== undefined) waiting.get(id)?.(result)
  })
  const call = <Result>(method: string, params: object = {}) =>
    new Promise<Result>(resolve => {
      waiting.set(++last, result => resolve(result as Result))
      socket.send(JSON.stringify({ id: last, method, params }))
    })
  return { call, close: () => socket.close() }
}

const named = ({ callFrame: { functionName, url, lineNumber } }: Pick<Node, 'callFrame'>) =>
  url === '' ? functionName || '(native)' : `${functionName || '(anonymous)'} ${url.split('/').at(-1)}:${lineNumber + 1}`

/** Bytes by function, as `times` has time. */
function sizes(head: Callee): Map<string, { self: number; total: number }> {
  const made = new Map<string, { self: number; total: number }>()
  const walk = (node: Callee, above: ReadonlySet<string>): number => {
    const name = named(node)
    const known = made.get(name) ?? { self: 0, total: 0 }
    made.set(name, known)
    known.self += node.selfSize
    const within = new Set([...above, name])
    const total = node.children.reduce((sum, child) => sum + walk(child, within), node.selfSize)
    if (!above.has(name)) known.total += total
    return total
  }
  walk(head, new Set())
  return made
}

/** Time by function, in µs: in the function itself, and with all that it called. A name that calls itself counts once. */
function times({ nodes, samples, timeDeltas }: Profile): Map<string, { self: number; total: number }> {
  const names = new Map(nodes.map(node => [node.id, named(node)]))
  const parents = new Map(nodes.flatMap(({ id, children }) => (children ?? []).map(child => [child, id] as const)))
  const spent = new Map<string, { self: number; total: number }>()
  const at = (name: string) => {
    const known = spent.get(name) ?? { self: 0, total: 0 }
    spent.set(name, known)
    return known
  }
  samples.forEach((id, index) => {
    // The first sample after the isolate rested carries the whole rest; it counts as one sample.
    const took_us = Math.min(timeDeltas[index] ?? 0, 2 * SAMPLE_EVERY_US)
    at(names.get(id) ?? '').self += took_us
    const seen = new Set<string>()
    for (let node: number | undefined = id; node !== undefined; node = parents.get(node)) seen.add(names.get(node) ?? '')
    for (const name of seen) at(name).total += took_us
  })
  return spent
}

const { values: flags } = parseArgs({
  options: {
    contender: { type: 'string', default: 'signalbox' },
    scenario: { type: 'string', default: 'json-2k-16' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '40' },
    inclusive: { type: 'boolean', default: false },
    memory: { type: 'string' },
  },
})
const contender = [...PEERS, ...SIGNALBOX].find(({ name }) => name === flags.contender)
const scenario = SCENARIOS.find(({ name }) => name === flags.scenario)
if (contender === undefined || scenario === undefined) throw new Error('no such contender or scenario')

const root = mkdtempSync(join(tmpdir(), 'signalbox-profile-'))
const upstream = await launch({ command: process.execPath, args: [join(PROJECT, 'test/bench/upstream.ts')], port_on: 1 })
const inspector_port = await freePort()
const target = await contender.start({ directory: await settle(contender, root, contender.name), upstream, inspector_port })
try {
  const asked = contender.ask(scenario, upstream)
  if (asked === null) throw new Error('this contender cannot do this scenario')
  const { body_bytes, stream, connections } = scenario
  const plan = { port: target.port, requests: requests(asked, body_bytes, stream), connections, stream }
  const warm = await load({ ...plan, duration_ms: 3_000 })
  if (warm.fault !== null) throw new Error(`a wrong answer: ${warm.fault}`)

  const listed = (await (await fetch(`http://127.0.0.1:${inspector_port}/json`)).json()) as { id: string; webSocketDebuggerUrl: string }[]
  const sessions = await Promise.all(listed.map(async ({ id, webSocketDebuggerUrl }) => ({ id, ...(await inspect(webSocketDebuggerUrl)) })))
  for (const { call } of sessions) {
    if (flags.memory === undefined) {
      await call('Profiler.enable')
      await call('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US })
      await call('Profiler.start')
    } else {
      await call('HeapProfiler.enable')
      await call('HeapProfiler.startSampling', {
        samplingInterval: SAMPLE_EVERY_BYTES,
        includeObjectsCollectedByMajorGC: true,
        includeObjectsCollectedByMinorGC: flags.memory === 'made',
      })
    }
  }
  const before_us = cpuMicros(target.pid)
  const { answers } = await load({ ...plan, duration_ms: Number(flags.seconds) * 1_000 })
  const spent_us = cpuMicros(target.pid) - before_us
  process.stdout.write(
    `${contender.name}, ${scenario.name}: ${answers} answers, ${(spent_us / answers).toFixed(0)} µs each with the profiler on\n`,
  )
  for (const { id, call, close } of sessions) {
    const spent =
      flags.memory === undefined
        ? times((await call<{ profile: Profile }>('Profiler.stop')).profile)
        : sizes((await call<{ profile: { head: Callee } }>('HeapProfiler.stopSampling')).profile.head)
    close()
    const by = flags.inclusive ? 'total' : 'self'
    const rows = [...spent].filter(([name]) => name !== '(idle)' && name !== '(root)').sort((a, b) => b[1][by] - a[1][by])
    process.stdout.write(
      `\nisolate ${id}, ${flags.memory === undefined ? 'µs' : `bytes ${flags.memory}`} per answer: in the function itself, with all it called\n`,
    )
    for (const [name, { self, total }] of rows.slice(0, Number(flags.top))) {
      process.stdout.write(`${(self / answers).toFixed(1).padStart(8)} ${(total / answers).toFixed(1).padStart(8)}  ${name}\n`)
    }
  }
} finally {
  await target.stop()
  await upstream.stop()
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
