/**
 * Providers' keys that callers bring: set for an organisation, a team or one caller's key, listed by their last characters and a
 * fingerprint, taken away, and moved to a new master secret. A key goes in and never comes out again; whoever wants to know
 * which one it is compares fingerprints.
 */
import * as z from 'zod'
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Provider } from '../../schema/catalogue.ts'
import { keyId, orgId, providerId } from '../../schema/ids.ts'
import { PROVIDER_KEYS_AT_MOST, type ProviderKey, providerKey } from '../../schema/provider-key.ts'
import { wholeCatalogueOf } from '../../store/catalogue-overlay.ts'
import { MASTER, seal } from '../../store/envelope.ts'
import { callerRecords } from '../../store/key-records.ts'
import { newKeyParts } from '../../store/key-text.ts'
import { newestSecret } from '../../store/numbered-secret.ts'
import {
  countProviderKeys,
  deleteProviderKey,
  listProviderKeys,
  providerKeyById,
  providerKeyOf,
  putProviderKey,
  rewrapSome,
} from '../../store/provider-keys.ts'
import { hex } from '../../store/secret-hmac.ts'
import { change } from './change.ts'
import { maySee } from './key-view.ts'
import { cursor, limit, nextCursor, readCursor, writeCursor } from './paging.ts'
import { type Call, type Route, route } from './route.ts'

const PATH = '/admin/v1/provider-keys'
/** A shorter one would show too much of itself in its last four characters. */
const SHOWN_FROM_CHARS = 20
/** So many are wrapped anew in one request, well within a Worker's limits. */
const REWRAP_AT_MOST = 50

const view = () => providerKey.omit({ v: true, wrapped: true, sealed: true })
type View = z.infer<ReturnType<typeof view>>
const viewOf = ({ v, wrapped, sealed, ...shown }: ProviderKey): View => shown
/** Goes into a header as it is: what could end a header or begin another one is no key. */
const value = () =>
  z
    .string()
    .regex(/^[\x21-\x7e]{8,4096}$/, 'a key has 8 to 4096 visible characters and no blanks')
    .describe(
      'The key itself; it is sealed, and never shown again. Of providers whose calls are signed: `<access key id>:<secret>`; of those that take the file of a service account: a token.',
    )

export const PROVIDER_KEY_ROUTES: Route[] = [
  route({
    id: 'provider_keys.list',
    method: 'GET',
    path: PATH,
    role: 'viewer',
    reach: 'org',
    summary: "Providers' keys that callers brought, by their last four characters and fingerprint",
    query: () => z.strictObject({ org: orgId.optional(), provider: providerId.optional(), limit: limit(), cursor: cursor() }),
    answer: () => z.strictObject({ provider_keys: z.array(view()), cursor: nextCursor() }),
    async handle({ actor, query, world }) {
      const after = query.cursor === undefined ? [''] : readCursor(query.cursor, 1)
      if (!after) return err({ code: 'invalid_request', param: 'cursor', message: 'this cursor was not given by this list' })
      if (query.org !== undefined && !maySee(actor, query.org)) return ok({ provider_keys: [], cursor: null })
      const where = { org: actor.org ?? query.org ?? null, provider: query.provider ?? null, after: String(after[0]) }
      const keys = await listProviderKeys(world.env.DB, where, query.limit)
      const last = keys.at(-1)
      return ok({ provider_keys: keys.map(viewOf), cursor: last && keys.length === query.limit ? writeCursor([last.id]) : null })
    },
  }),
  route({
    id: 'provider_keys.set',
    method: 'PUT',
    path: PATH,
    role: 'admin',
    reach: 'org',
    summary: 'Seals a key for a provider and stores it in place of the one that was there; used within a minute and a half',
    body: () =>
      z.strictObject({
        org: orgId,
        team: z.string().min(1).max(60).optional().describe('For this team only.'),
        key_id: keyId.optional().describe("For this caller's key only."),
        provider: providerId,
        label: z.string().max(100).default(''),
        value: value(),
      }),
    answer: () => view().extend({ replaces: keyId.nullable() }),
    async handle(call) {
      const { org, team = null, key_id = null, provider, label, value } = call.body
      const { env, variables, now_ms } = call.world
      if (!maySee(call.actor, org)) return err({ code: 'forbidden', message: `This key sets keys for ${call.actor.org} only.` })
      const problem = await problemWith(call, call.body)
      if (problem) return err(problem)
      const about = { id: newKeyParts(count => crypto.getRandomValues(new Uint8Array(count))).key_id, org, team, key_id, provider }
      const sealed = await seal(value, about, variables)
      if (!sealed) return err(noMaster())
      const record: ProviderKey = {
        v: 1,
        ...about,
        label,
        last4: value.length < SHOWN_FROM_CHARS ? '' : value.slice(-4),
        fingerprint: await fingerprintOf(value),
        ...sealed,
        created_at_ms: now_ms,
        created_by: call.actor.name,
      }
      const before = await providerKeyOf(env.DB, record)
      const { created_at_ms, created_by, ...detail } = viewOf(record)
      const done = await change(call, { subject: record.id, org, before, after: record, detail }, () => putProviderKey(env, record))
      return done.ok ? ok({ ...viewOf(record), replaces: before?.id ?? null }) : done
    },
  }),
  route({
    id: 'provider_keys.delete',
    method: 'DELETE',
    path: `${PATH}/:id`,
    role: 'admin',
    reach: 'org',
    summary: "Takes a key away; calls go with the router's own again within a minute and a half",
    params: () => z.strictObject({ id: keyId }),
    answer: view,
    async handle(call) {
      const { env } = call.world
      const before = await providerKeyById(env.DB, call.params.id)
      if (!before || !maySee(call.actor, before.org)) return err({ code: 'resource_not_found', kind: "provider's key", id: call.params.id })
      const { id, org, provider, team, key_id, fingerprint } = before
      const what = { subject: id, org, before, after: null, detail: { provider, team, key_id, fingerprint } }
      const done = await change(call, what, () => deleteProviderKey(env, before))
      return done.ok ? ok(viewOf(before)) : done
    },
  }),
  route({
    id: 'provider_keys.rewrap',
    method: 'POST',
    path: `${PATH}/rewrap`,
    role: 'owner',
    reach: 'router',
    summary: `Moves keys under the newest ${MASTER}, up to ${REWRAP_AT_MOST} in a request: call it until the cursor is null`,
    body: () => z.strictObject({ cursor: cursor() }),
    answer: () =>
      z.strictObject({
        master: z.string(),
        rewrapped: z.int(),
        unusable: z.array(keyId).describe('Those that no master opens any more.'),
        cursor: nextCursor(),
      }),
    async handle(call) {
      const { env, variables } = call.world
      const master = newestSecret(MASTER, variables)
      if (!master) return err(noMaster())
      const after = call.body.cursor === undefined ? [''] : readCursor(call.body.cursor, 1)
      if (!after) return err({ code: 'invalid_request', param: 'cursor', message: 'this cursor was not given here' })
      const what = { subject: `${MASTER} ${master.number}`, org: null, before: null, after: null, detail: { after: after[0] } }
      const done = await change(call, what, () => rewrapSome(env, variables, master.number, String(after[0]), REWRAP_AT_MOST))
      if (!done.ok) return done
      const { rewrapped, unusable, last } = done.value
      return ok({ master: master.number, rewrapped, unusable, cursor: last === null ? null : writeCursor([last]) })
    },
  }),
]

const noMaster = (): GatewayError => ({
  code: 'keys_unavailable',
  message: `set the secret ${MASTER} to 32 characters or more: callers' own keys are sealed under it.`,
})

type Asked = { org: string; team?: string | undefined; key_id?: string | undefined; provider: string; value: string }

/** Whose it is must be one thing, of that organisation; and the provider one that takes such a key. */
async function problemWith(call: Call, { org, team, key_id, provider, value }: Asked): Promise<GatewayError | null> {
  const { env } = call.world
  const wrong = (param: string, message: string): GatewayError => ({ code: 'invalid_request', param, message })
  if (team !== undefined && key_id !== undefined) return wrong('key_id', 'a key is for a team or for one key, not both')
  const known = await providerNamed(env.KV, provider)
  if (!known.ok) return known.error
  if (known.value.auth.style === 'sigv4' && !/^[^:]+:[^:]+(:[^:]+)?$/.test(value))
    return wrong(
      'value',
      `calls to ${provider} are signed: send "<access key id>:<secret>", and ":<session token>" behind it where there is one`,
    )
  if (key_id !== undefined && (await callerRecords(env.KV).get(key_id))?.org !== org)
    return { code: 'resource_not_found', kind: 'key', id: key_id }
  if ((await countProviderKeys(env.DB, org)) >= PROVIDER_KEYS_AT_MOST)
    return { code: 'conflict', message: `An organisation may bring ${PROVIDER_KEYS_AT_MOST} keys; take one away first.` }
  return null
}

async function providerNamed(kv: KVNamespace, id: string): Promise<Result<Provider, GatewayError>> {
  const provider = (await wholeCatalogueOf(kv)).providers.find(each => each.id === id)
  if (!provider) return err({ code: 'resource_not_found', kind: 'provider', id })
  if (provider.auth.style === 'none') return err({ code: 'invalid_request', param: 'provider', message: `${id} takes no key` })
  return ok(provider)
}

async function fingerprintOf(value: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(value))
  return hex(new Uint8Array(digest)).slice(0, 16)
}
