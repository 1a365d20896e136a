/**
 * Policies in KV, for those who administer them: the one in force under `policy/<name>`, and every version there ever was
 * under `policy/<name>@<hash>`, with who put it there and when. Requests never come here; see `policies.ts`.
 */
import bundledDefault from '../../policies/default.yaml'
import { type PolicyName, type PolicyVersion, policyName } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { putKv } from './kv-put.ts'
import { textVersion } from './text-version.ts'

/** Null where it was put there by other means than the admin API. */
export type Put = { at_ms: Ms | null; by: string | null }
export type StoredPolicy = { name: PolicyName; version: PolicyVersion; text: string; bundled: boolean }
export type StoredVersion = Put & { version: PolicyVersion }

const NAMES_AT_MOST = 1_000
/** Versions of one policy that are listed; an edit a day is three years. */
const VERSIONS_AT_MOST = 1_000

/** What serves where KV has nothing under the name. */
const BUNDLED: Record<PolicyName, string> = { default: bundledDefault }

export async function policyInForce(kv: KVNamespace, name: PolicyName): Promise<StoredPolicy | null> {
  const stored = await kv.get(`policy/${name}`)
  const text = stored ?? BUNDLED[name]
  return text === undefined ? null : { name, version: await textVersion(text), text, bundled: stored === null }
}

export async function policyNames(kv: KVNamespace): Promise<PolicyName[]> {
  const names = new Set(Object.keys(BUNDLED))
  let cursor: string | undefined
  do {
    const page = await kv.list({ prefix: 'policy/', ...(cursor ? { cursor } : {}) })
    for (const { name } of page.keys) {
      const own = name.slice('policy/'.length)
      if (policyName.safeParse(own).success) names.add(own)
    }
    cursor = page.list_complete ? undefined : page.cursor
  } while (cursor !== undefined && names.size < NAMES_AT_MOST)
  return [...names].sort()
}

/** Newest first; those without a date last. */
export async function policyVersions(kv: KVNamespace, name: PolicyName): Promise<StoredVersion[]> {
  const prefix = `policy/${name}@`
  const { keys } = await kv.list<Put>({ prefix, limit: VERSIONS_AT_MOST })
  return keys
    .map(key => ({ version: key.name.slice(prefix.length), at_ms: key.metadata?.at_ms ?? null, by: key.metadata?.by ?? null }))
    .sort((a, b) => (b.at_ms ?? 0) - (a.at_ms ?? 0))
}

export async function policyVersion(kv: KVNamespace, name: PolicyName, version: PolicyVersion): Promise<string | null> {
  return kv.get(`policy/${name}@${version}`)
}

/**
 * The version first: what is in force can always be found among the versions. So can what was before, also where it came by
 * other means, which keep no versions.
 */
export async function putPolicy(
  kv: KVNamespace,
  policy: Pick<StoredPolicy, 'name' | 'version' | 'text'>,
  before: StoredPolicy | null,
  put: Put,
): Promise<void> {
  if (before && before.version !== policy.version && (await policyVersion(kv, before.name, before.version)) === null) {
    await putKv(kv, `policy/${before.name}@${before.version}`, before.text, { metadata: { at_ms: null, by: null } satisfies Put })
  }
  await putKv(kv, `policy/${policy.name}@${policy.version}`, policy.text, { metadata: put })
  await putKv(kv, `policy/${policy.name}`, policy.text, { metadata: put })
}
