/**
 * A worker on plain `workerd serve`, the runtime without the dev server around it: that one alone costs milliseconds a
 * request and would hide everything. What `wrangler dev` gives a worker besides is stood in for by `standins/`.
 *
 * The network reaches this machine only, so that nothing here can call a real provider, whatever the catalogue says.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { launch, type Started } from './processes.ts'

/** The runtime's own program: the one in `node_modules/.bin` is a Node script around it. */
export const WORKERD = createRequire(import.meta.url)('workerd') as { default: string; version: string; compatibilityDate: string }

/** Text of the configuration language: its strings are C's, and ours hold nothing beyond ASCII. */
const text = (value: string) => JSON.stringify(value)

const settings = readFileSync(join(PROJECT, 'wrangler.toml'), 'utf8')
export const COMPATIBILITY_DATE = /^compatibility_date = "(.+)"/m.exec(settings)?.[1] ?? ''
const FLAGS = (/^compatibility_flags = \[(.+)\]/m.exec(settings)?.[1] ?? '').split(',').map(flag => flag.trim())

const MODULE_KINDS: Record<string, string> = {
  js: 'esModule',
  yaml: 'text',
  txt: 'text',
  html: 'text',
  sql: 'text',
  json: 'json',
  bin: 'data',
  wasm: 'wasm',
}

/** The modules of a folder that the bundler wrote, the entry first. */
function modules(folder: string, directory: string): string {
  const entry = (name: string) => (name === 'index.js' ? 0 : 1)
  const names = readdirSync(join(directory, folder)).filter(name => MODULE_KINDS[name.split('.').at(-1) ?? ''] !== undefined)
  return names
    .sort((a, b) => entry(a) - entry(b))
    .map(name => `(name = ${text(name)}, ${MODULE_KINDS[name.split('.').at(-1) ?? '']} = embed ${text(`${folder}/${name}`)})`)
    .join(', ')
}

export type WorkerSetup = {
  /** Folder under `directory` that holds the bundle. */
  folder: string
  vars: Record<string, string>
  /** Names of Durable Object classes by binding; each is given SQLite on disk. */
  objects?: Record<string, string>
  /** Bindings of a KV namespace and a D1 database, served by the stand-ins. */
  kv?: string
  d1?: string
}

/** Configuration of one served worker with all it needs, in the folder `directory`. */
function configuration(directory: string, setup: WorkerSetup): string {
  const bindings = [
    ...Object.entries(setup.vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(setup.objects ?? {}).map(
      ([name, class_name]) => `(name = ${text(name)}, durableObjectNamespace = ${text(class_name)})`,
    ),
    ...(setup.kv ? [`(name = ${text(setup.kv)}, kvNamespace = "kv")`] : []),
    ...(setup.d1
      ? [
          `(name = ${text(setup.d1)}, wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")]))`,
        ]
      : []),
  ]
  const worker = (folder: string, more: string) =>
    `(modules = [${modules(folder, directory)}], compatibilityDate = ${text(COMPATIBILITY_DATE)}, compatibilityFlags = [${FLAGS.join(', ')}], globalOutbound = "loopback"${more})`
  const objects = (classes: string[], prefix: string) =>
    classes.length === 0
      ? ''
      : `, durableObjectNamespaces = [${classes.map(name => `(className = ${text(name)}, uniqueKey = ${text(`${prefix}-${name}`)}, enableSql = true)`).join(', ')}], durableObjectStorage = (localDisk = "disk")`
  const services = [
    `(name = "main", worker = ${worker(setup.folder, `, bindings = [${bindings.join(', ')}]${objects(Object.values(setup.objects ?? {}), 'main')}`)})`,
    `(name = "loopback", network = (allow = ["local"]))`,
    `(name = "internet", network = (allow = ["local"]))`,
    `(name = "disk", disk = (path = ${text(join(directory, 'disk'))}, writable = true))`,
    ...(setup.kv ? [`(name = "kv", worker = ${worker('kv', '')})`] : []),
    ...(setup.d1
      ? [
          `(name = "d1", worker = ${worker('d1', `, bindings = [(name = "DATABASE", durableObjectNamespace = "Database")]${objects(['Database'], 'd1')}`)})`,
        ]
      : []),
  ]
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(',\n    ')}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`
}

/** Starts the worker. `directory` holds its bundle and takes its state, so no two served workers may share one. */
export function serve(directory: string, setup: WorkerSetup, inspector_port?: number): Promise<Started> {
  mkdirSync(join(directory, 'disk'), { recursive: true })
  const file = join(directory, 'config.capnp')
  writeFileSync(file, configuration(directory, setup))
  const inspector = inspector_port === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspector_port}`]
  return launch({ command: WORKERD.default, args: ['serve', '--experimental', '--control-fd=3', ...inspector, file], port_on: 3 })
}
