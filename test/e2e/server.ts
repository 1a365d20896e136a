/**
 * A router of its own for a test, with a state directory of its own that is removed at the end. Tests run it once a file and share it. It
 * watches nothing: a file that is saved while a test runs would start it anew, in the middle of a request.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalOptions, localDevKey } from '../../worker/cli/local.ts'
import { filesUnder, findIn, OPERATORS_OWN } from '../security/canary.ts'
import { prepared, SECRETS, variablesText } from './prepared.ts'
import { type Running, startBundle } from './start.ts'

export type TestServer = {
  url: string
  key: string
  pid: number
  state_dir: string
  /** Writes `policy/<name>` into KV, as an operator would; running isolates take it up within seconds. */
  putPolicy(name: string, text: string): Promise<void>
  putPolicies(policies: Record<string, unknown>): Promise<void>
  putKv(key: string, value: string): Promise<void>
  /** Rows of a query against local D1. */
  query<Row>(sql: string): Promise<Row[]>
  stop(): Promise<void>
  /** SIGKILL to all of it; `restart` brings it back on the same state. */
  kill(): Promise<void>
  restart(): Promise<void>
}

export type ServerOptions = {
  vars?: Record<string, string>
  onLine?: (line: string) => void
  /** From the router's bundle unless another way is given, such as `startDevServer`. */
  startWith?: (options: LocalOptions) => Promise<Running>
}

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { state, router } = await prepared()
  const state_dir = mkdtempSync(join(tmpdir(), 'signalbox-test-'))
  const remove = () => rmSync(state_dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  cpSync(state, state_dir, { recursive: true })
  const vars_file = join(state_dir, 'vars')
  writeFileSync(vars_file, variablesText({ ...SECRETS, DEMO_TARGETS: 'on', ...options.vars }))
  const key = localDevKey({ state_dir, vars_file })
  if (key === null) throw new Error('the prepared state has no key of a developer')
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    options.onLine?.(line)
  }
  const startWith = options.startWith ?? (local => startBundle(router, local))
  const start = (port: number) => startWith({ port, state_dir, vars_file, bundle: join(router, 'index.js'), onLine })
  let running = await start(0).catch(error => {
    remove()
    throw error
  })
  const { url } = running
  writeFileSync(join(state_dir, 'url'), `${url}\n`)
  return {
    url,
    key,
    get pid() {
      return running.pid
    },
    state_dir,
    putKv: (name, value) => running.putKv({ [name]: value }),
    putPolicy: (name, text) => running.putKv({ [`policy/${name}`]: text }),
    putPolicies: policies =>
      running.putKv(Object.fromEntries(Object.entries(policies).map(([name, policy]) => [`policy/${name}`, JSON.stringify(policy)]))),
    query: <Row>(sql: string) => running.query<Row>(sql),
    stop: async () => {
      await running.stop()
      const leaked = findIn(new Map<string, string | Buffer>([...filesUnder(state_dir, OPERATORS_OWN), ['its output', lines.join('\n')]]))
      remove()
      // Its secrets are canaries: none may be found in anything that it stored or said, whatever the test did with it.
      if (leaked.length > 0) throw new Error(`a secret of the router is in ${leaked.join(', ')}`)
    },
    kill: () => running.kill(),
    restart: async () => {
      running = await start(Number(new URL(url).port))
    },
  }
}
