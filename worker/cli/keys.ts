/**
 * `signalbox keys`: callers' keys. A key is shown once, when it is made; what is stored cannot be turned into a key again.
 */
import { defineCommand } from 'citty'
import * as z from 'zod'
import type { Caller } from '../schema/caller.ts'
import type { Budget } from '../schema/limits.ts'
import { callerKey, makeKey } from '../store/keys.ts'
import { API_ARGS, apiOf, call, pages } from './api.ts'
import { ending, Stop } from './ending.ts'
import { DAY_MS, microsOf, numberOf, shownInstant } from './numbers.ts'
import { PLACE_ARGS, placeOf, putKv, shownPlace } from './place.ts'
import { localVariables } from './policy-files.ts'
import { SCOPE_ARGS, type ScopeArgs, scopesOf } from './scopes.ts'
import { print, table } from './table.ts'

const HOUR_S = 3_600

type Key = {
  key_id: string
  last4: string
  org: string
  team: string | null
  label: string
  policy: string
  status: string
  expires_at_ms: number | null
  revoked_at_ms: number | null
}
type Fields = {
  org: string
  label: string
  team?: string
  tier?: string
  policy?: string
  scopes?: Caller['scopes']
  budgets?: Budget[]
  expires_at_ms?: number
}

const list = defineCommand({
  meta: { name: 'list', description: "Callers' keys, by their last four characters." },
  args: {
    org: { type: 'string', description: 'Of this organisation only' },
    team: { type: 'string', description: 'Of this team only' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const keys = await pages<Key>(apiOf(args), '/keys', 'keys', { org: args.org, team: args.team })
      const rows = keys.map(({ key_id, last4, org, team, label, policy, status, expires_at_ms }) => [
        ...[key_id, `...${last4}`, org, team ?? '-', label, policy, status],
        shownInstant(expires_at_ms),
      ])
      print(args.json, keys, table(['key id', 'key', 'org', 'team', 'label', 'policy', 'status', 'expires'], rows))
      return true
    }),
})

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
    ...SCOPE_ARGS,
    ...PLACE_ARGS,
    json: { type: 'boolean', description: 'For programs' },
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const place = placeOf(args)
      const fields = fieldsOf(args)
      const { key, key_id, policy_found } =
        'api' in place
          ? await call<{ key: string; key_id: string; policy_found?: boolean }>(place.api, 'POST', '/keys', { body: fields })
          : { ...(await madeHere(fields, place.kv)), policy_found: undefined }
      const text = `${key}\n\nShown once: keep it now. Stored as ${callerKey(key_id)} in ${shownPlace(place)}, organisation ${fields.org}.`
      print(args.json, { key, key_id, org: fields.org }, text)
      if (policy_found === false)
        process.stderr.write(`signalbox: there is no policy "${fields.policy}" yet; until it is pushed, "auto" is refused to this key\n`)
      return true
    }),
})

const scope = defineCommand({
  meta: { name: 'scope', description: 'Replace what a key is kept to by what the flags say; without flags, show it.' },
  args: { key_id: { type: 'positional', required: true, description: 'Id of the key' }, ...SCOPE_ARGS, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const scopes = scopesOf(args)
      const path = `/keys/${idOf(args.key_id)}`
      const key = await (scopes
        ? call<Key & { scopes: Caller['scopes'] }>(apiOf(args), 'PATCH', path, { body: { scopes } })
        : call<Key & { scopes: Caller['scopes'] }>(apiOf(args), 'GET', path))
      const rows = Object.entries(key.scopes).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : String(value ?? 'all'),
      ])
      print(args.json, key.scopes, table(['scope', `of ${key.key_id}`], rows))
      return true
    }),
})

const rotate = defineCommand({
  meta: { name: 'rotate', description: 'Make a new key with the same rights; the old one ends now, or after a grace.' },
  args: {
    key_id: { type: 'positional', required: true, description: 'Id of the key' },
    'grace-hours': { type: 'string', description: 'Hours that the old key goes on (default: none)' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const grace_s = Math.round((numberOf('grace-hours', args['grace-hours']) ?? 0) * HOUR_S)
      const made = await call<Key & { key: string; replaces: { ends_at_ms: number } }>(
        apiOf(args),
        'POST',
        `/keys/${idOf(args.key_id)}/rotate`,
        {
          body: { grace_s },
        },
      )
      const end = grace_s === 0 ? 'is revoked' : `ends at ${shownInstant(made.replaces.ends_at_ms)} UTC`
      print(args.json, made, `${made.key}\n\nShown once: keep it now. It is ${made.key_id}; ${args.key_id} ${end}.`)
      return true
    }),
})

const revoke = defineCommand({
  meta: { name: 'revoke', description: 'End a key: no request of it begins any more.' },
  args: { key_id: { type: 'positional', required: true, description: 'Id of the key' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const key = await call<Key>(apiOf(args), 'POST', `/keys/${idOf(args.key_id)}/revoke`)
      print(args.json, key, `${key.key_id} (${key.label}, ${key.org}) is revoked since ${shownInstant(key.revoked_at_ms)} UTC.`)
      return true
    }),
})

/** An id goes into a path; a whole key pasted by mistake must not. */
function idOf(key_id: string): string {
  if (/^[0-9A-Za-z]{11}$/.test(key_id)) return key_id
  throw new Stop('a key id has 11 letters and digits; "signalbox keys list" shows it')
}

type CreateArgs = ScopeArgs & {
  org: string
  label: string
  team?: string
  tier?: string
  policy?: string
  'day-budget'?: string
  'expires-in'?: string
}

function fieldsOf(args: CreateArgs): Fields {
  const day = numberOf('day-budget', args['day-budget'])
  const days = numberOf('expires-in', args['expires-in'])
  const scopes = scopesOf(args)
  return {
    org: args.org,
    label: args.label,
    ...(args.team ? { team: args.team } : {}),
    ...(args.tier ? { tier: args.tier } : {}),
    ...(args.policy ? { policy: args.policy } : {}),
    // What is not said is filled in where the key is made.
    ...(scopes ? { scopes: scopes as Caller['scopes'] } : {}),
    ...(day === null ? {} : { budgets: [{ window: 'day', limit_micros: microsOf('day-budget', day), kind: 'hard' }] }),
    ...(days === null ? {} : { expires_at_ms: Date.now() + Math.round(days * DAY_MS) }),
  }
}

/** Into KV itself. What does not fit the shape of a caller is the operator's slip, said in one line. */
async function madeHere(fields: Fields, kv: { remote: boolean; state_dir: string }): Promise<{ key: string; key_id: string }> {
  const { key, caller } = await orStop(() => makeKey(pepperFor(kv.remote), fields))
  await putKv([{ key: callerKey(caller.key_id), value: JSON.stringify(caller) }], kv)
  return { key, key_id: caller.key_id }
}

export function pepperFor(remote: boolean): string {
  const pepper = remote ? process.env.KEY_PEPPER : (process.env.KEY_PEPPER ?? localVariables().KEY_PEPPER)
  if (pepper) return pepper
  throw new Stop('set KEY_PEPPER in the environment, to the value of the secret that the Worker has; keys are stored under it')
}

export async function orStop<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    if (error instanceof z.ZodError) throw new Stop(z.prettifyError(error))
    if (error instanceof Stop) throw error
    throw new Stop(error instanceof Error ? error.message : 'the key could not be made')
  }
}

export const keys = defineCommand({
  meta: { name: 'keys', description: "Callers' keys." },
  subCommands: { list, create, scope, rotate, revoke, provider: () => import('./provider-keys.ts').then(file => file.providerKeys) },
})
