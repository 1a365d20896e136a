/**
 * Who is measured. Each contender says how it is started and how it wants to be asked; a scenario it cannot do it refuses
 * with null.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.ts'
import { portkeyFailover, portkeyHeaders, portkeyOnNode, portkeyOnWorkerd } from './portkey.ts'
import type { Started } from './processes.ts'
import type { Asked } from './requests.ts'
import type { Scenario } from './scenarios.ts'
import { serve } from './serve.ts'

export type Place = {
  /** A folder of the contender's own. */
  directory: string
  upstream: Started
  /** Where to open the runtime's inspector, for a profile. */
  inspector_port?: number
}

export type Contender = {
  name: string
  about: string
  /** How long it goes on working after its last answer: that work is waited for and counted. */
  linger_ms?: number
  /** Signalbox with a part off: measured only where the scenario asks for parts. */
  part?: true
  /** What can be done once, before anything is started: bundles. */
  build?(directory: string): Promise<void>
  start(place: Place): Promise<Started>
  ask(scenario: Scenario, upstream: Started): Asked | null
}

/** What all ratios are against. */
export const FLOOR = 'floor'
/** What all latencies are against. */
export const DIRECT = 'direct'

export const addressOf = (upstream: Started) => `http://127.0.0.1:${upstream.port}`
const asIs = (scenario: Scenario): Asked | null => (scenario.failover || scenario.flow ? null : { model: scenario.model })
/** The floor passes a stream of any format. */
const asItCame = (scenario: Scenario): Asked | null =>
  scenario.flow ? { model: scenario.model, answers: scenario.flow.from } : asIs(scenario)

function worker(name: string, about: string, source: string, ask: Contender['ask'] = asIs): Contender {
  return {
    name,
    about,
    build: directory => bundle(source, directory, name),
    start: ({ directory, upstream, inspector_port }) =>
      serve(directory, { folder: name, vars: { UPSTREAM: addressOf(upstream) } }, inspector_port),
    ask,
  }
}

const portkey = (name: string, about: string, start: Contender['start']): Contender => ({
  name,
  about,
  start,
  ask: (scenario, upstream) =>
    scenario.flow
      ? null
      : scenario.failover
        ? { model: 'bench', headers: portkeyFailover(addressOf(upstream), ['bench-failing', 'bench']) }
        : { model: scenario.model, headers: portkeyHeaders(addressOf(upstream)) },
})

export const PEERS: Contender[] = [
  {
    name: DIRECT,
    about: 'the upstream itself, no gateway',
    start: ({ upstream }) => Promise.resolve({ ...upstream, stop: () => Promise.resolve() }),
    ask: scenario => (scenario.fresh ? null : asIs(scenario)),
  },
  worker(FLOOR, 'raw workerd pass-through: the least a gateway can do on this platform', 'workers/pass-through.ts', asItCame),
  worker('hono', 'a Hono route that passes through', 'workers/hono.ts'),
  portkey('portkey-workerd', '@portkey-ai/gateway 1.15.2 on workerd', ({ directory, inspector_port }) =>
    portkeyOnWorkerd(directory, inspector_port),
  ),
  portkey('portkey-node', '@portkey-ai/gateway 1.15.2 on Node, as shipped', portkeyOnNode),
]

/** Any gateway that already runs: its address, its process id for what it costs, and what it wants to be told. */
export function running(name: string, url: string, pid: number, model: string | null, headers: Record<string, string>): Contender {
  const { port, pathname } = new URL(url)
  return {
    name,
    about: url,
    start: () => Promise.resolve({ pid, port: Number(port || 80), spawned_at_ms: 0, stop: () => Promise.resolve() }),
    ask: scenario =>
      scenario.fresh || scenario.failover || scenario.flow
        ? null
        : { model: model ?? scenario.model, headers, path: `${pathname.replace(/\/$/, '')}/chat/completions` },
  }
}

/** A folder for one process of a contender; its bundle is made there first. */
export async function settle(contender: Contender, root: string, name: string): Promise<string> {
  const directory = join(root, name)
  mkdirSync(directory, { recursive: true })
  await contender.build?.(directory)
  return directory
}
