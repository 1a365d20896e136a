/**
 * The real dev server for a test: the same code as `npm run dev`, with a state directory of its own that is removed at the
 * end. Tests run it once a file and share it. It is bundled once and watches nothing: a file that is saved while a test runs would
 * start it anew, in the middle of a request.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareLocal, startLocal } from '../../worker/cli/local.ts'
import { wrangler } from '../../worker/cli/wrangler.ts'
import { bundleRouter } from '../bench/bundle.ts'
import { canary, filesUnder, findIn, OPERATORS_OWN } from '../security/canary.ts'

export const SECRETS = { KEY_PEPPER: canary('pepper'), PROVIDER_KEY_MASTER: canary('master') }

export type TestServer = {
  url: string
  key: string
  pid: number
  state_dir: string
  /** Writes `policy/<name>` into KV, as an operator would; running isolates take it up within seconds. */
  putPolicy(name: string, text: string): Promise<void>
  /** Many at once, for little more than the time of one: each write starts wrangler anew. */
  putPolicies(policies: Record<string, unknown>): Promise<void>
  putKv(key: string, value: string): Promise<void>
  /** Rows of a query against local D1. */
  query<Row>(sql: string): Promise<Row[]>
  stop(): Promise<void>
  /** SIGKILL to all of it; `restart` brings it back on the same state. */
  kill(): Promise<void>
  restart(): Promise<void>
}

export async function startServer(
  options: { vars?: Record<string, string>; onLine?: (line: string) => void; startWith?: typeof startLocal } = {},
): Promise<TestServer> {
  const state_dir = mkdtempSync(join(tmpdir(), 'signalbox-test-'))
  const vars_file = join(state_dir, 'vars')
  const vars = { ...SECRETS, DEMO_TARGETS: 'on', ...options.vars }
  writeFileSync(
    vars_file,
    Object.entries(vars)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
      .join(''),
  )
  const key = await prepareLocal({ state_dir, vars_file })
  const bundle = join(state_dir, 'bundle', 'index.js')
  if (options.startWith === undefined) await bundleRouter(state_dir, 'bundle')
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    options.onLine?.(line)
  }
  const startWith = options.startWith ?? startLocal
  const start = (port: number) => startWith({ port, state_dir, vars_file, bundle, onLine })
  let local = await start(0)
  const place = ['--local', '--persist-to', state_dir]
  const putKv = async (key: string, value: string) => {
    const file = join(state_dir, 'value')
    writeFileSync(file, value)
    await wrangler(['kv', 'key', 'put', key, '--path', file, '--binding', 'KV', ...place])
  }
  return {
    url: local.url,
    key,
    get pid() {
      return local.pid
    },
    state_dir,
    putKv,
    putPolicy: (name, text) => putKv(`policy/${name}`, text),
    putPolicies: async policies => {
      const file = join(state_dir, 'values.json')
      const pairs = Object.entries(policies).map(([name, policy]) => ({ key: `policy/${name}`, value: JSON.stringify(policy) }))
      writeFileSync(file, JSON.stringify(pairs))
      await wrangler(['kv', 'bulk', 'put', file, '--binding', 'KV', ...place])
    },
    query: async <Row>(sql: string) => {
      const printed = await wrangler(['d1', 'execute', 'DB', '--json', '--command', sql, ...place])
      return (JSON.parse(printed.slice(printed.indexOf('['))) as { results: Row[] }[]).flatMap(result => result.results)
    },
    stop: async () => {
      await local.stop()
      const leaked = findIn(new Map<string, string | Buffer>([...filesUnder(state_dir, OPERATORS_OWN), ['its output', lines.join('\n')]]))
      rmSync(state_dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
      // Its secrets are canaries: none may be found in anything that it stored or said, whatever the test did with it.
      if (leaked.length > 0) throw new Error(`a secret of the router is in ${leaked.join(', ')}`)
    },
    kill: () => local.kill(),
    restart: async () => {
      local = await start(Number(new URL(local.url).port))
    },
  }
}
