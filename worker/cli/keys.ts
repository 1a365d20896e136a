/**
 * `signalbox keys create`: a caller's key. It is shown once; what is written to KV cannot be turned into a key again.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import * as z from 'zod'
import { callerKey, makeKey } from '../store/keys.ts'
import { ending, Stop } from './ending.ts'
import { localVariables } from './policy-files.ts'
import { PLACE_ARGS, placeArgs, placeOf, said } from './policy-store.ts'
import { wrangler } from './wrangler.ts'

const DAY_MS = 86_400_000

const create = defineCommand({
  meta: { name: 'create', description: 'Make a key for a caller and show it once.' },
  args: {
    org: { type: 'string', required: true, description: 'Organisation: owner of the budget and of the usage rows' },
    label: { type: 'string', required: true, description: 'What the key is for' },
    team: { type: 'string', description: 'Team within the organisation' },
    tier: { type: 'string', description: 'A word that rules may read as caller.tier' },
    policy: { type: 'string', description: 'Policy that "auto" means for this key (default: default)' },
    'day-budget': { type: 'string', description: 'Hard limit in USD a day' },
    'expires-in': { type: 'string', description: 'Days until the key expires (default: never)' },
    ...PLACE_ARGS,
    json: { type: 'boolean', description: 'For programs' },
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const place = placeOf(args)
      const pepper = place.remote ? process.env.KEY_PEPPER : (process.env.KEY_PEPPER ?? localVariables().KEY_PEPPER)
      if (!pepper)
        throw new Stop('set KEY_PEPPER in the environment, to the value of the secret that the Worker has; keys are stored under it')
      const { key, caller } = await made(pepper, args)
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-key-'))
      try {
        const file = join(folder, 'caller.json')
        writeFileSync(file, JSON.stringify(caller), { mode: 0o600 })
        await said(wrangler(['kv', 'key', 'put', callerKey(caller.key_id), '--path', file, ...placeArgs(place)]))
      } finally {
        rmSync(folder, { recursive: true })
      }
      const text = `${key}\n\nShown once: keep it now. Stored as ${callerKey(caller.key_id)}, organisation ${caller.org}.`
      process.stdout.write(`${args.json ? JSON.stringify({ key, key_id: caller.key_id, org: caller.org }) : text}\n`)
      return true
    }),
})

type CreateArgs = {
  org: string
  label: string
  team?: string
  tier?: string
  policy?: string
  'day-budget'?: string
  'expires-in'?: string
}

/** What does not fit the shape of a caller is the operator's slip, said in one line. */
async function made(pepper: string, args: CreateArgs) {
  const usd = numberOf('day-budget', args['day-budget'])
  const days = numberOf('expires-in', args['expires-in'])
  try {
    return await makeKey(pepper, {
      org: args.org,
      label: args.label,
      ...(args.team ? { team: args.team } : {}),
      ...(args.tier ? { tier: args.tier } : {}),
      ...(args.policy ? { policy: args.policy } : {}),
      ...(usd === null ? {} : { budgets: [{ window: 'day', limit_micros: Math.round(usd * 1_000_000), kind: 'hard' }] }),
      ...(days === null ? {} : { expires_at_ms: Date.now() + Math.round(days * DAY_MS) }),
    })
  } catch (error) {
    if (error instanceof z.ZodError) throw new Stop(z.prettifyError(error))
    throw new Stop(error instanceof Error ? error.message : 'the key could not be made')
  }
}

function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = Number(text)
  if (!(value > 0)) throw new Stop(`--${name} takes a number above 0, not "${text}"`)
  return value
}

export const keys = defineCommand({
  meta: { name: 'keys', description: "Callers' keys." },
  subCommands: { create },
})
