/**
 * The real dev server for a test: the same code as `npm run dev`, with a state directory of its own that is removed at the
 * end. Tests run it once a file and share it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareLocal, startLocal } from '../../worker/cli/local.ts'
import { wrangler } from '../../worker/cli/wrangler.ts'

export const TEST_PEPPER = 'a pepper for tests, of more than 32 characters'

export type TestServer = {
  url: string
  key: string
  pid: number
  state_dir: string
  /** Writes `policy/<name>` into KV, as an operator would; running isolates take it up within seconds. */
  putPolicy(name: string, text: string): Promise<void>
  putKv(key: string, value: string): Promise<void>
  /** Rows of a query against local D1. */
  query<Row>(sql: string): Promise<Row[]>
  stop(): Promise<void>
  /** SIGKILL to all of it; `restart` brings it back on the same state. */
  kill(): Promise<void>
  restart(): Promise<void>
}

export async function startServer(
  options: { vars?: Record<string, string>; entry?: string; onLine?: (line: string) => void } = {},
): Promise<TestServer> {
  const state_dir = mkdtempSync(join(tmpdir(), 'signalbox-test-'))
  const vars_file = join(state_dir, 'vars')
  const vars = { KEY_PEPPER: TEST_PEPPER, DEMO_TARGETS: 'on', ...options.vars }
  writeFileSync(
    vars_file,
    Object.entries(vars)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
      .join(''),
  )
  const key = await prepareLocal({ state_dir, vars_file })
  const start = (port: number) => startLocal({ port, state_dir, vars_file, entry: options.entry, onLine: options.onLine })
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
    query: async <Row>(sql: string) => {
      const printed = await wrangler(['d1', 'execute', 'DB', '--json', '--command', sql, ...place])
      return (JSON.parse(printed.slice(printed.indexOf('['))) as { results: Row[] }[]).flatMap(result => result.results)
    },
    stop: async () => {
      await local.stop()
      rmSync(state_dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
    kill: () => local.kill(),
    restart: async () => {
      local = await start(Number(new URL(local.url).port))
    },
  }
}
