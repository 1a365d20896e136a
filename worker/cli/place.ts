/**
 * Where a command that changes something changes it. A router that is named (`--url`, SIGNALBOX_URL) is changed through its
 * admin API, checked there and written to its audit log. Without a name it is KV itself, through wrangler: the local state,
 * or Cloudflare's with `--remote`. That works before anything runs, and is how the first key and the first policies come
 * about; nothing of it is in the audit log.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { API_ARGS, type Api, apiOf, namedUrl } from './api.ts'
import { Stop } from './ending.ts'
import { DEFAULT_STATE_DIR } from './local.ts'
import { wrangler } from './wrangler.ts'

export type Kv = { remote: boolean; state_dir: string }
export type Place = { api: Api } | { kv: Kv }

export const PLACE_ARGS = {
  url: API_ARGS.url,
  remote: { type: 'boolean', description: "Cloudflare's KV directly, and not the local one" },
  state: { type: 'string', description: 'State directory of `npm run dev`', default: DEFAULT_STATE_DIR },
} as const

export function placeOf(args: { url?: string; remote?: boolean; state: string }): Place {
  if (args.remote && args.url) throw new Stop('--remote writes to KV and --url goes through the admin API; take one of them')
  const named = args.remote ? null : namedUrl(args)
  return named === null ? { kv: { remote: args.remote === true, state_dir: args.state } } : { api: apiOf(args) }
}

export function shownPlace(place: Place): string {
  if ('api' in place) return place.api.url
  return place.kv.remote ? "Cloudflare's KV" : `local KV (${place.kv.state_dir})`
}

export const kvArgs = ({ remote, state_dir }: Kv) => [
  '--binding',
  'KV',
  ...(remote ? ['--remote'] : ['--local', '--persist-to', state_dir]),
]

export async function putKv(entries: { key: string; value: string }[], kv: Kv): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-put-'))
  try {
    const file = join(folder, 'entries.json')
    writeFileSync(file, JSON.stringify(entries), { mode: 0o600 })
    await said(wrangler(['kv', 'bulk', 'put', file, ...kvArgs(kv)]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What wrangler complains of is the operator's to read, without a stack. */
export async function said(running: Promise<string>): Promise<string> {
  try {
    return await running
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : 'wrangler failed')
  }
}
