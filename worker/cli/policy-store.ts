/**
 * Policies in KV, through wrangler: the local state of `npm run dev` by default, Cloudflare's with `--remote`. A policy lies
 * under `policy/<name>`, where running isolates look, and every version under `policy/<name>@<hash>`, for diff and rollback.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stop } from './ending.ts'
import { DEFAULT_STATE_DIR } from './local.ts'
import { wrangler } from './wrangler.ts'

export type Place = { remote: boolean; state_dir: string }

export const PLACE_ARGS = {
  remote: { type: 'boolean', description: "Cloudflare's KV and not the local one" },
  state: { type: 'string', description: 'State directory of `npm run dev`', default: DEFAULT_STATE_DIR },
} as const

export const placeOf = (args: { remote?: boolean; state: string }): Place => ({ remote: args.remote === true, state_dir: args.state })

export const placeArgs = ({ remote, state_dir }: Place) => [
  '--binding',
  'KV',
  ...(remote ? ['--remote'] : ['--local', '--persist-to', state_dir]),
]

export async function putPolicies(policies: { name: string; version: string; text: string }[], place: Place): Promise<void> {
  const entries = policies.flatMap(({ name, version, text }) => [
    { key: `policy/${name}@${version}`, value: text },
    { key: `policy/${name}`, value: text },
  ])
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-push-'))
  try {
    const file = join(folder, 'entries.json')
    writeFileSync(file, JSON.stringify(entries), { mode: 0o600 })
    await said(wrangler(['kv', 'bulk', 'put', file, ...placeArgs(place)]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The text of a policy in KV; null where there is none of that name. */
export async function getPolicy(name: string, place: Place): Promise<string | null> {
  // Wrangler answers a missing key with words and exit code 0 or 1, by version; so the key is looked for first.
  const prefix = `policy/${name}`
  const listed = await said(wrangler(['kv', 'key', 'list', '--prefix', prefix, ...placeArgs(place)]))
  const keys = JSON.parse(listed.slice(listed.indexOf('['))) as { name: string }[]
  if (!keys.some(key => key.name === prefix)) return null
  return said(wrangler(['kv', 'key', 'get', prefix, ...placeArgs(place)]))
}

/** What wrangler complains of is the operator's to read, without a stack. */
export async function said(running: Promise<string>): Promise<string> {
  try {
    return await running
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : 'wrangler failed')
  }
}
