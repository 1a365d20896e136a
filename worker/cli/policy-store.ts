/**
 * Policies where they are in force: through the admin API of a router that is named, else in KV itself. A policy lies under
 * `policy/<name>`, where running isolates look, and every version under `policy/<name>@<hash>`, for diff and rollback.
 */
import { type Api, answer, call } from './api.ts'
import { type Kv, kvArgs, type Place, putKv, said } from './place.ts'
import { wrangler } from './wrangler.ts'

type Policy = { name: string; version: string; text: string }

export async function putPolicies(policies: Policy[], place: Place): Promise<void> {
  if ('kv' in place) {
    const entries = policies.flatMap(({ name, version, text }) => [
      { key: `policy/${name}@${version}`, value: text },
      { key: `policy/${name}`, value: text },
    ])
    return putKv(entries, place.kv)
  }
  for (const { name, text } of policies) await call(place.api, 'PUT', `/policies/${name}`, { body: { text } })
}

/** The text of the policy in force; null where there is none of that name. */
export const getPolicy = (name: string, place: Place): Promise<string | null> =>
  'api' in place ? fromApi(name, place.api) : fromKv(name, place.kv)

async function fromApi(name: string, api: Api): Promise<string | null> {
  const { policies } = await call<{ policies: { name: string }[] }>(api, 'GET', '/policies')
  if (!policies.some(policy => policy.name === name)) return null
  return ((await (await answer(api, 'GET', `/policies/${name}`)).json()) as Policy).text
}

async function fromKv(name: string, kv: Kv): Promise<string | null> {
  // Wrangler answers a missing key with words and exit code 0 or 1, by version; so the key is looked for first.
  const prefix = `policy/${name}`
  const listed = await said(wrangler(['kv', 'key', 'list', '--prefix', prefix, ...kvArgs(kv)]))
  const keys = JSON.parse(listed.slice(listed.indexOf('['))) as { name: string }[]
  if (!keys.some(key => key.name === prefix)) return null
  return said(wrangler(['kv', 'key', 'get', prefix, ...kvArgs(kv)]))
}
