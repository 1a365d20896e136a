/**
 * The two ways in which a server of the tests can run, in one shape: from a bundle, which is quick, or as `npm run dev` runs it. Both are
 * process groups of their own and end with the process that started them, whichever way that ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Local, type LocalOptions, startLocal } from '../../worker/cli/local.ts'
import { wrangler } from '../../worker/cli/wrangler.ts'
import type { Answer, Begin, Question } from './serve.ts'

export type Running = Local & {
  putKv(values: Record<string, string>): Promise<void>
  /** Rows of a query against D1. */
  query<Row>(sql: string): Promise<Row[]>
}

/** A start takes one to three seconds; on a machine with much other work it was seen to take twenty. */
const READY_WITHIN_MS = 180_000
/** Of what a server said, for the error when it does not start. */
const SAID_KEPT = 4_000

/** `serve.ts` on a bundle of `bundle.ts`. */
export const startBundle = (folder: string, options: LocalOptions): Promise<Running> => begin(newServer(folder), options)

/** Starts of the same bundle again and again, each by a spare server that was made while the one before it ran. `end` stops the last spare. */
export function starterOf(folder: string) {
  let spare: ChildProcess | null = null
  return {
    async start(options: LocalOptions): Promise<Running> {
      const running = await begin(spare?.connected ? spare : newServer(folder), options)
      spare = newServer(folder)
      return running
    },
    end: () => spare && killGroup(spare),
  }
}

const newServer = (folder: string): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), folder], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'signalbox-compiled'), NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: the group has ended already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function begin(child: ChildProcess, { port, state_dir, vars_file, onLine }: LocalOptions): Promise<Running> {
  const on = port || (await freePort())
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const kill = () => {
    killGroup(child)
    return ended
  }
  // One that has ended meanwhile cannot be told; that it has is told below.
  child.send({ state_dir, vars_file, port: on } satisfies Begin, () => {})
  try {
    await ready(child, onLine)
  } catch (error) {
    await kill()
    throw error
  }
  const ask = questions(child)
  return {
    url: `http://127.0.0.1:${on}`,
    pid: child.pid ?? 0,
    stop: kill,
    kill,
    ended,
    putKv: async values => void (await ask({ put: values })),
    query: async <Row>(sql: string) => (await ask({ query: sql })) as Row[],
  }
}

/** Resolves at its word that it listens; rejects, with the last that it said, where it ends first or says nothing for too long. */
function ready(child: ChildProcess, onLine: LocalOptions['onLine']): Promise<void> {
  let said = ''
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the router's bundle ${why}; the last that it said:\n${said.trim() || '(nothing)'}`))
    const late = setTimeout(() => fail(`was not ready within ${READY_WITHIN_MS / 1_000} s`), READY_WITHIN_MS)
    child.once('exit', (code, signal) => {
      clearTimeout(late)
      fail(`ended with ${code ?? signal} before it was ready`)
    })
    const hear = (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-SAID_KEPT)
      for (const line of String(chunk).split('\n')) onLine?.(line)
      if (!said.includes('Ready on http')) return
      clearTimeout(late)
      resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
  })
}

/** Asks a server; rejects where it fails, or ends before it has answered. */
function questions(child: ChildProcess) {
  let last_id = 0
  const open = new Map<number, PromiseWithResolvers<unknown[]>>()
  child.on('message', ({ id, rows, failed }: Answer) => {
    const asked = open.get(id)
    open.delete(id)
    if (failed === undefined) asked?.resolve(rows)
    else asked?.reject(new Error(failed))
  })
  child.once('exit', () => {
    for (const asked of open.values()) asked.reject(new Error('the server ended'))
  })
  return (what: { put: Record<string, string> } | { query: string }): Promise<unknown[]> => {
    last_id += 1
    const asked = Promise.withResolvers<unknown[]>()
    open.set(last_id, asked)
    child.send({ id: last_id, ...what } satisfies Question, error => {
      if (error) asked.reject(error)
    })
    return asked.promise
  }
}

/** A runner that has waited long enough for a set-up tells its process to end, and nobody is left to stop what was started. */
const gone = new AbortController()
process.once('exit', () => gone.abort())
process.once('SIGTERM', () => process.exit(143))

/** As `npm run dev` runs it, and as an operator writes and reads: each write and each query starts wrangler, which takes seconds. */
export async function startDevServer(options: LocalOptions): Promise<Running> {
  const { state_dir } = options
  const local = await startLocal({ ...options, gone: gone.signal })
  const place = ['--local', '--persist-to', state_dir]
  return {
    ...local,
    putKv: async values => {
      const file = join(state_dir, 'seed.json')
      writeFileSync(file, JSON.stringify(Object.entries(values).map(([key, value]) => ({ key, value }))))
      await wrangler(['kv', 'bulk', 'put', file, '--binding', 'KV', ...place])
      rmSync(file)
    },
    query: async <Row>(sql: string) => {
      const printed = await wrangler(['d1', 'execute', 'DB', '--json', '--command', sql, ...place])
      return (JSON.parse(printed.slice(printed.indexOf('['))) as { results: Row[] }[]).flatMap(result => result.results)
    },
  }
}
