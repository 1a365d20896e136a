/**
 * The router on this machine: local KV, D1 and Durable Objects under one state directory, migrations applied, policies
 * seeded, a developer's keys made. `npm run dev` is this with words around it; the end-to-end tests are this with a state
 * directory of their own.
 *
 * Seeding never overwrites: a policy that is already in KV stays as its owner left it.
 */
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { ADMIN_KEY_PREFIX, KEY_PREFIX, readKey } from '../store/key-text.ts'
import { adminKey, callerKey, makeAdminKey, makeKey } from '../store/keys.ts'
import { PROJECT, spawnWrangler, wrangler } from './wrangler.ts'

export const DEFAULT_STATE_DIR = join(PROJECT, '.wrangler/state')
/** How long wrangler may take to be ready; a cold, busy machine was seen to need a minute. */
const READY_WITHIN_MS = 180_000

export type LocalOptions = {
  /** 0 for any free port. */
  port: number
  state_dir: string
  /** File of NAME=value lines with everything the Worker reads from its environment, `KEY_PEPPER` included. */
  vars_file: string
  /** A bundle, its first file: it runs as it is, and nothing is watched. Without it, a change to any file of the router starts it anew. */
  bundle?: string
  /** Each line that wrangler prints once it runs. */
  onLine?: (line: string) => void
  /** Kills it at once, also while it starts: whoever could stop it is about to go. */
  gone?: AbortSignal
}

export type Local = {
  url: string
  /** The leader of the process group that wrangler and workerd are in. */
  pid: number
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>
  /** SIGKILL to the whole group, as a machine that dies would. */
  kill(): Promise<void>
  /** Resolves when the server has ended, however. */
  ended: Promise<void>
}

/** Starts the router on a state directory that `prepareLocal` made ready. */
export async function startLocal(options: LocalOptions): Promise<Local> {
  const port = options.port || (await freePort())
  const child = spawnWrangler(
    [
      'dev',
      // Of a bundle elsewhere, wrangler would look for its configuration there.
      ...(options.bundle ? [options.bundle, '--no-bundle', '--config', join(PROJECT, 'wrangler.toml')] : []),
      ...['--local', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort())],
      ...['--persist-to', options.state_dir, '--env-file', options.vars_file, '--show-interactive-dev-session=false', '--test-scheduled'],
    ],
    true,
    // What runs as it is takes no change of wrangler.toml either.
    options.bundle ? { WRANGLER_CI_DISABLE_CONFIG_WATCHING: 'true' } : {},
  )
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const end = (signal: NodeJS.Signals) => {
    signalGroup(child, signal)
    return ended
  }
  options.gone?.addEventListener('abort', () => signalGroup(child, 'SIGKILL'))
  try {
    await ready(child, options.onLine)
  } catch (error) {
    await end('SIGKILL')
    throw error
  }
  const url = `http://127.0.0.1:${port}`
  writeFileSync(join(options.state_dir, 'url'), `${url}\n`)
  return {
    url,
    pid: child.pid ?? 0,
    stop: async () => {
      const patience = setTimeout(() => signalGroup(child, 'SIGKILL'), 5_000)
      await end('SIGTERM')
      clearTimeout(patience)
      // workerd outlives a wrangler that was told to go; the group is swept once its leader has ended.
      signalGroup(child, 'SIGKILL')
    },
    kill: () => end('SIGKILL'),
    ended,
  }
}

/** Migrations, policies, a developer's key (of organisation `dev`) and an admin's, each only where it is missing. Gives the developer's. */
export async function prepareLocal({ state_dir, vars_file }: Pick<LocalOptions, 'state_dir' | 'vars_file'>): Promise<string> {
  mkdirSync(state_dir, { recursive: true })
  const place = ['--local', '--persist-to', state_dir]
  // One after the other: two that start on a new state directory at once may find its database locked, and end.
  await wrangler(['d1', 'migrations', 'apply', 'DB', ...place])
  const listed = await wrangler(['kv', 'key', 'list', '--binding', 'KV', ...place])
  const present = new Set((JSON.parse(listed.slice(listed.indexOf('['))) as { name: string }[]).map(entry => entry.name))
  const missing: { key: string; value: string }[] = []

  for (const [name, text] of bundledPolicies()) {
    if (!present.has(`policy/${name}`)) missing.push({ key: `policy/${name}`, value: text })
  }
  const pepper = parseEnv(readFileSync(vars_file, 'utf8')).KEY_PEPPER ?? ''
  let key = localDevKey({ state_dir, vars_file })
  if (!key || !present.has(callerKey(readKey(key, KEY_PREFIX)?.key_id ?? ''))) {
    const made = await makeKey(pepper, { label: 'local development', org: 'dev' })
    key = made.key
    writeFileSync(keyFile(state_dir, pepper, 'dev-key'), `${key}\n`, { mode: 0o600 })
    missing.push({ key: callerKey(made.caller.key_id), value: JSON.stringify(made.caller) })
  }
  const admin = localAdminKey({ state_dir, vars_file })
  if (!admin || !present.has(adminKey(readKey(admin, ADMIN_KEY_PREFIX)?.key_id ?? ''))) {
    const made = await makeAdminKey(pepper, { label: 'local development', role: 'owner' })
    writeFileSync(keyFile(state_dir, pepper, 'dev-admin-key'), `${made.key}\n`, { mode: 0o600 })
    missing.push({ key: adminKey(made.admin.key_id), value: JSON.stringify(made.admin) })
  }
  if (missing.length) {
    const file = join(state_dir, 'seed.json')
    writeFileSync(file, JSON.stringify(missing), { mode: 0o600 })
    await wrangler(['kv', 'bulk', 'put', file, '--binding', 'KV', ...place])
    rmSync(file)
  }
  return key
}

/** The developer's key that `prepareLocal` made; null where it was not run yet. */
export function localDevKey({ state_dir, vars_file }: Pick<LocalOptions, 'state_dir' | 'vars_file'>): string | null {
  const pepper = parseEnv(readIfThere(vars_file) ?? '').KEY_PEPPER ?? ''
  return readIfThere(keyFile(state_dir, pepper, 'dev-key'))?.trim() ?? null
}

/** The admin's key that `prepareLocal` made; null where it was not run yet. */
export function localAdminKey({ state_dir, vars_file }: Pick<LocalOptions, 'state_dir' | 'vars_file'>): string | null {
  const pepper = parseEnv(readIfThere(vars_file) ?? '').KEY_PEPPER ?? ''
  return readIfThere(keyFile(state_dir, pepper, 'dev-admin-key'))?.trim() ?? null
}

/** Where the router of this state directory was last started; null where it never was. */
export const localUrl = (state_dir: string): string | null => readIfThere(join(state_dir, 'url'))?.trim() ?? null

/** A key is good under one pepper only; a new variables file means a new key. */
function keyFile(state_dir: string, pepper: string, name: 'dev-key' | 'dev-admin-key'): string {
  return join(state_dir, `${name}-${createHash('sha256').update(pepper).digest('hex').slice(0, 8)}`)
}

/** Name and text of each policy file in `policies/`. */
export function bundledPolicies(): [name: string, text: string][] {
  const folder = join(PROJECT, 'policies')
  return readdirSync(folder)
    .filter(file => file.endsWith('.yaml'))
    .map(file => [file.slice(0, -'.yaml'.length), readFileSync(join(folder, file), 'utf8')])
}

/** Resolves at wrangler's own word that it listens. */
function ready(child: ChildProcess, onLine: LocalOptions['onLine']): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const late = setTimeout(
      () => reject(new Error(`wrangler dev was not ready within ${READY_WITHIN_MS / 1000} s:\n${said}`)),
      READY_WITHIN_MS,
    )
    let partial = ''
    const hear = (chunk: Buffer) => {
      const lines = (partial + chunk).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) {
        said = `${said}${line}\n`.slice(-4_000)
        onLine?.(line)
        if (/Ready on http/.test(line)) {
          clearTimeout(late)
          resolve()
        }
      }
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', () => {
      clearTimeout(late)
      reject(new Error(`wrangler dev ended before it was ready:\n${said}`))
    })
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // ESRCH: the group has ended already, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
