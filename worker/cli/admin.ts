/**
 * `signalbox admin`: admins' keys. `create-key` makes the first one straight in KV, where there is no admin yet who could ask
 * the API for it; whoever may do that has the Cloudflare account, or this machine, in hand anyway.
 */
import { defineCommand } from 'citty'
import { type AdminRecord, ROLES, type Role } from '../schema/admin.ts'
import { adminKey, makeAdminKey } from '../store/keys.ts'
import { API_ARGS, apiOf, call, pages } from './api.ts'
import { ending, Stop } from './ending.ts'
import { orStop, pepperFor } from './keys.ts'
import { DAY_MS, numberOf, shownInstant } from './numbers.ts'
import { PLACE_ARGS, placeOf, putKv, shownPlace } from './place.ts'
import { print, table } from './table.ts'

type Admin = Omit<AdminRecord, 'v' | 'secret_hmac' | 'pepper'>

const createKey = defineCommand({
  meta: { name: 'create-key', description: "Make an admin's key and show it once; also the first one." },
  args: {
    label: { type: 'string', required: true, description: 'Who it is for' },
    role: { type: 'string', description: `One of ${ROLES.join(', ')}`, default: 'owner' },
    org: { type: 'string', description: "For one organisation's keys, budgets and usage only" },
    'expires-in': { type: 'string', description: 'Days until the key expires (default: never)' },
    ...PLACE_ARGS,
    json: { type: 'boolean', description: 'For programs' },
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const place = placeOf(args)
      const days = numberOf('expires-in', args['expires-in'])
      const fields = {
        label: args.label,
        role: roleOf(args.role),
        ...(args.org ? { org: args.org } : {}),
        ...(days === null ? {} : { expires_at_ms: Date.now() + Math.round(days * DAY_MS) }),
      }
      let made: { key: string; key_id: string }
      if ('api' in place) made = await call(place.api, 'POST', '/admin-keys', { body: fields })
      else {
        const { remote } = place.kv
        const { key, admin } = await orStop(() => makeAdminKey(pepperFor(remote), fields))
        await putKv([{ key: adminKey(admin.key_id), value: JSON.stringify(admin) }], place.kv)
        made = { key, key_id: admin.key_id }
      }
      const text = `${made.key}\n\nShown once: keep it now, as SIGNALBOX_ADMIN_KEY. Stored as ${adminKey(made.key_id)} in ${shownPlace(place)}, role ${fields.role}.`
      print(args.json, { key: made.key, key_id: made.key_id, role: fields.role }, text)
      return true
    }),
})

const listKeys = defineCommand({
  meta: { name: 'list-keys', description: "Admins' keys, by their last four characters." },
  args: API_ARGS,
  run: given =>
    ending(given, async () => {
      const admins = await pages<Admin>(apiOf(given.args), '/admin-keys', 'admin_keys')
      const rows = admins.map(({ key_id, last4, label, role, org, expires_at_ms, revoked_at_ms }) => [
        ...[key_id, `...${last4}`, label, role, org ?? 'all'],
        ...[shownInstant(expires_at_ms), shownInstant(revoked_at_ms)],
      ])
      print(given.args.json, admins, table(['key id', 'key', 'label', 'role', 'org', 'expires', 'revoked'], rows))
      return true
    }),
})

const revokeKey = defineCommand({
  meta: { name: 'revoke-key', description: "End an admin's key, from the next request on." },
  args: { key_id: { type: 'positional', required: true, description: 'Id of the key' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      if (!/^[0-9A-Za-z]{11}$/.test(args.key_id)) throw new Stop('a key id has 11 letters and digits; "signalbox admin list-keys" shows it')
      const admin = await call<Admin>(apiOf(args), 'POST', `/admin-keys/${args.key_id}/revoke`)
      print(args.json, admin, `${admin.key_id} (${admin.label}, ${admin.role}) is revoked.`)
      return true
    }),
})

function roleOf(text: string): Role {
  const role = ROLES.find(each => each === text)
  if (!role) throw new Stop(`--role is one of ${ROLES.join(', ')}, not "${text}"`)
  return role
}

export const admin = defineCommand({
  meta: { name: 'admin', description: "Admins' keys." },
  subCommands: { 'create-key': createKey, 'list-keys': listKeys, 'revoke-key': revokeKey },
})
