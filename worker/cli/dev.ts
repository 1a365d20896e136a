/**
 * `npm run dev`: the router on this machine, ready for a first request, with what to type next. What it needs and does not
 * find (the variables file, tables, policies, a key) it makes.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import catalogueText from '../../policies/catalogue.json' with { type: 'json' }
import { credentialVariables } from '../core/decide/address.ts'
import { compileCatalogue, everyTarget } from '../core/decide/catalogue.ts'
import type { Catalogue } from '../schema/catalogue.ts'
import { DEFAULT_STATE_DIR, type Local, localAdminKey, prepareLocal, startLocal } from './local.ts'
import { PROJECT } from './wrangler.ts'

const VARS_FILE = join(PROJECT, '.dev.vars')
const catalogue = catalogueText as Catalogue

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '8787' },
    state: { type: 'string', default: DEFAULT_STATE_DIR },
    verbose: { type: 'boolean', default: false },
  },
})

if (!existsSync(VARS_FILE)) writeFileSync(VARS_FILE, firstVarsFile(), { mode: 0o600 })
const vars = parseEnv(readFileSync(VARS_FILE, 'utf8')) as Record<string, string>

let local: Local | undefined
let stopping = false
const stop = async () => {
  if (stopping) return
  stopping = true
  await local?.stop()
  process.exit(0)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
// Whoever does not wait until the server is up leaves none behind.
const gone = new AbortController()
process.once('exit', () => gone.abort())
// npm that is killed does not say so to its child; without this the servers would stay and hold the port.
const ancestors = [process.ppid, parentOf(process.ppid)].filter((pid): pid is number => pid !== null && pid > 1)
setInterval(() => {
  if (!ancestors.every(pid => isAlive(pid))) void stop()
}, 1_000).unref()

console.log('Signalbox: preparing local KV, D1 and Durable Objects…')
const key = await prepareLocal({ state_dir: flags.state, vars_file: VARS_FILE })
local = await startLocal({
  port: Number(flags.port),
  state_dir: flags.state,
  vars_file: VARS_FILE,
  gone: gone.signal,
  onLine: line => {
    if (flags.verbose || /error|warn/i.test(line)) console.log(line)
  },
})
console.log(welcome(local.url, key, localAdminKey({ state_dir: flags.state, vars_file: VARS_FILE }) ?? ''))
await local.ended
if (!stopping) {
  console.error('wrangler dev ended by itself; run with --verbose to see why.')
  process.exit(1)
}

/** npm runs a script through a shell, which outlives it; so the parent's parent is watched too. Null where nobody knows it. */
function parentOf(pid: number): number | null {
  const { stdout, status } = spawnSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : null
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: somebody else's, and alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A pepper of this checkout's own, the demo on, and every variable that could be set, commented out. */
function firstVarsFile(): string {
  const variables = new Map<string, string>()
  for (const provider of catalogue.providers) {
    const needs = [
      ...credentialVariables(provider),
      provider.base_url_var,
      provider.models_var,
      provider.context_var,
      ...(provider.more_models ?? []).map(more => more.models_var),
    ]
    for (const variable of [...needs, ...(provider.base_url?.match(/\{([A-Z][A-Z0-9_]*)\}/g) ?? []).map(part => part.slice(1, -1))]) {
      if (variable && !variables.has(variable)) variables.set(variable, provider.how_to_enable)
    }
  }
  return [
    '# Read by `npm run dev`. In production the same names are set by `wrangler secret put NAME`.',
    "# Callers' keys are stored as an HMAC under this; another pepper makes all of them invalid.",
    `KEY_PEPPER=${randomBytes(32).toString('base64url')}`,
    "# Providers' keys that callers bring are sealed under this.",
    `PROVIDER_KEY_MASTER=${randomBytes(32).toString('base64url')}`,
    '# The built-in demo targets.',
    'DEMO_TARGETS=on',
    '',
    ...[...variables].flatMap(([variable, why]) => [`# ${why}`, `# ${variable}=`]),
    '',
  ].join('\n')
}

function welcome(url: string, key: string, admin_key: string): string {
  const live = compileCatalogue(catalogue, vars, Date.now(), '')
  const by_provider = Map.groupBy(everyTarget(live), target => target.provider.name)
  const on = [...by_provider].map(([name, targets]) => {
    const shown = targets.slice(0, 4).map(target => target.id)
    return `  ${name}: ${shown.join(', ')}${targets.length > shown.length ? ` and ${targets.length - shown.length} more` : ''}`
  })
  const off = live.off.map(
    ({ provider, targets, how_to_enable }) => `  ${provider}${targets ? ` (${targets} targets)` : ''}: ${how_to_enable}`,
  )
  return `
Signalbox is on ${url}

Live targets
${on.join('\n') || '  none: set a key in .dev.vars, or DEMO_TARGETS=on for the built-in demo'}

Off, and what would switch it on (in .dev.vars; then start again)
${off.join('\n')}

Your first request:
  curl -i ${url}/v1/chat/completions -H 'authorization: Bearer ${key}' -H 'content-type: application/json' \\
    -d '{"model":"auto","messages":[{"role":"user","content":"Write a SQL query that finds duplicate emails"}]}'

Why did it go there? The same body to /v1/route asks without calling anyone:
  curl ${url}/v1/route -H 'authorization: Bearer ${key}' -H 'content-type: application/json' \\
    -d '{"model":"auto","messages":[{"role":"user","content":"Write a SQL query that finds duplicate emails"}]}'

With an OpenAI client: base_url ${url}/v1, api_key ${key}

To run the router: "npx signalbox targets list", "usage", "keys list" (they find the admin key by themselves), or the admin API:
  curl ${url}/admin/v1/usage -H 'authorization: Bearer ${admin_key}'      (reference: ${url}/admin/v1/docs)
Stop with ctrl-c.`
}
