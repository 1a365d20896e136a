/**
 * The admin API from a terminal. Which router: `--url`, else SIGNALBOX_URL, else the one that `npm run dev` started here. With
 * which key: SIGNALBOX_ADMIN_KEY, or the local router's own, which is never sent anywhere else.
 */
import { join } from 'node:path'
import { Stop } from './ending.ts'
import { DEFAULT_STATE_DIR, localAdminKey, localUrl } from './local.ts'
import { PROJECT } from './wrangler.ts'

export const API_ARGS = {
  url: { type: 'string', description: 'The router (default: SIGNALBOX_URL, else the local one)' },
  state: { type: 'string', description: 'State directory of `npm run dev`', default: DEFAULT_STATE_DIR },
  vars: { type: 'string', description: 'Variables file of `npm run dev`', default: join(PROJECT, '.dev.vars') },
  json: { type: 'boolean', description: 'For programs' },
} as const

export type Api = { url: string; key: string }
type Args = { url?: string; state: string; vars?: string }
type Query = Record<string, string | number | undefined>

const WAIT_MS = 60_000
const PAGES_AT_MOST = 1_000

/** The address of a router that was named; null where the local one is meant. */
export const namedUrl = (args: { url?: string }): string | null => args.url ?? (process.env.SIGNALBOX_URL || null)

export function apiOf(args: Args): Api {
  const named = namedUrl(args)
  const key = process.env.SIGNALBOX_ADMIN_KEY
  if (named === null) {
    const own = key ?? localAdminKey({ state_dir: args.state, vars_file: args.vars ?? join(PROJECT, '.dev.vars') })
    const url = localUrl(args.state)
    if (!own || !url) throw new Stop('no router was started here yet: run "npm run dev", or set SIGNALBOX_URL and SIGNALBOX_ADMIN_KEY')
    return { url, key: own }
  }
  if (!URL.canParse(named)) throw new Stop(`"${named}" is no URL`)
  const { protocol, hostname, origin } = new URL(named)
  const isHere = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  if (protocol !== 'https:' && !isHere) throw new Stop(`${named} is not https: an admin key is not sent in the clear`)
  if (!key) throw new Stop(`set SIGNALBOX_ADMIN_KEY to an admin key of ${origin}`)
  return { url: origin, key }
}

/** A good answer as JSON; whatever else comes ends the command with the router's own sentence. */
export async function call<T>(api: Api, method: string, path: string, given: { query?: Query; body?: unknown } = {}): Promise<T> {
  return (await answer(api, method, path, given)).json() as Promise<T>
}

export async function answer(
  api: Api,
  method: string,
  path: string,
  { query = {}, body }: { query?: Query; body?: unknown } = {},
): Promise<Response> {
  const address = new URL(`/admin/v1${path}`, api.url)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, String(value))
  const response = await sent(address, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(WAIT_MS),
    headers: { authorization: `Bearer ${api.key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (response.ok) return response
  throw new Stop(await wordsOf(response))
}

/** All pages of a list, saying how far it is where somebody watches. */
export async function pages<T>(api: Api, path: string, name: string, query: Query = {}): Promise<T[]> {
  const all: T[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_AT_MOST; page++) {
    const got = await call<Record<string, unknown> & { cursor: string | null }>(api, 'GET', path, {
      query: { ...query, limit: 100, cursor },
    })
    all.push(...(got[name] as T[]))
    if (got.cursor === null) break
    cursor = got.cursor
    if (process.stderr.isTTY) process.stderr.write(`\r${all.length} ...`)
  }
  if (cursor !== undefined && process.stderr.isTTY) process.stderr.write('\r')
  return all
}

async function sent(address: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init)
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } }
    throw new Stop(`${address.origin} does not answer (${cause?.code ?? message}); is it running?`)
  }
}

async function wordsOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { error, findings = [] } = JSON.parse(text) as {
      error: { message: string }
      findings?: { line: number | null; message: string }[]
    }
    return [error.message, ...findings.map(({ line, message }) => `  line ${line ?? '?'}: ${message}`)].join('\n')
  } catch {
    // Not the router's own words: something that stands before it, or another server altogether.
    return `${new URL(response.url).origin} answered ${response.status}, and not as a router does`
  }
}
