import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { POLICY_FRESH_MS, POLICY_STALE_MS, policyStore } from '../../worker/store/policies.ts'
import { emptyStorage } from './fixture.ts'

const NOW = 1_800_000_000_000
const policy = (name: string, description: string) => `name: ${name}\ndescription: ${description}\nobjective: { quality: 1 }\n`

let pending: Promise<unknown>[] = []
const ctx = { waitUntil: (promise: Promise<unknown>) => void pending.push(promise) }
const behind = async () => {
  await Promise.all(pending)
  pending = []
}

beforeEach(async () => {
  await emptyStorage()
  pending = []
})

/** The real KV, failing while `down`, hanging while `hung`. */
const faultyKv = () => {
  const kv = {
    down: false,
    hung: false,
    get(key: string) {
      if (kv.hung) return new Promise(() => undefined)
      return kv.down ? Promise.reject(new Error('KV GET failed: 500')) : env.KV.get(key)
    },
    list: (options: KVNamespaceListOptions) => (kv.down ? Promise.reject(new Error('KV LIST failed: 500')) : env.KV.list(options)),
  }
  return kv
}
const storeOver = (kv: unknown) => policyStore(kv as KVNamespace)
const descriptionOf = async (store: ReturnType<typeof policyStore>, name: string, now_ms: number) =>
  (await store.policyFor(name, ctx, now_ms))?.policy.description

describe('a policy in KV', () => {
  it('is named by what it says: the first 16 hex digits of its SHA-256', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(policy('mine', 'one')))
    const hex = [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('')
    expect((await policyStore(env.KV).policyFor('mine', ctx, NOW))?.version).toBe(hex.slice(0, 16))
  })

  it('is used from memory, without a promise, for a second', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const store = policyStore(env.KV)
    await store.policyFor('mine', ctx, NOW)
    await behind()
    expect(store.policyFor('mine', ctx, NOW + POLICY_FRESH_MS)).not.toBeInstanceOf(Promise)
    expect(pending).toHaveLength(0)
  })

  it('is read again behind a request that finds it older', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const store = policyStore(env.KV)
    await store.policyFor('mine', ctx, NOW)
    await env.KV.put('policy/mine', policy('mine', 'two'))
    expect(await descriptionOf(store, 'mine', NOW + POLICY_FRESH_MS + 1)).toBe('one')
    await behind()
    expect(await descriptionOf(store, 'mine', NOW + POLICY_FRESH_MS + 2)).toBe('two')
  })

  it('is read before a request that finds it older than five seconds', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const store = policyStore(env.KV)
    await store.policyFor('mine', ctx, NOW)
    await env.KV.put('policy/mine', policy('mine', 'two'))
    expect(await descriptionOf(store, 'mine', NOW + POLICY_STALE_MS + 1)).toBe('two')
  })

  it('keeps its last good text when a new one does not parse, and says so with the line, until it is mended', async () => {
    const store = policyStore(env.KV)
    await env.KV.put('policy/mine', policy('mine', 'one'))
    await store.policyFor('mine', ctx, NOW)
    await env.KV.put('policy/mine', `${policy('mine', 'two')}nonsense: true\n`)
    for (const later_ms of [6_000, 12_000]) expect(await descriptionOf(store, 'mine', NOW + later_ms)).toBe('one')
    expect(store.problems()).toEqual([
      { about: 'policy/mine', message: expect.stringContaining('nonsense'), line: 4, since_ms: NOW + 6_000 },
    ])
    await env.KV.put('policy/mine', policy('mine', 'three'))
    expect(await descriptionOf(store, 'mine', NOW + 18_000)).toBe('three')
    expect(store.problems()).toEqual([])
  })

  it('must carry the name it is stored under', async () => {
    await env.KV.put('policy/mine', policy('yours', 'one'))
    const store = policyStore(env.KV)
    expect(await store.policyFor('mine', ctx, NOW)).toBe(null)
    expect(store.problems()).toEqual([expect.objectContaining({ message: expect.stringContaining('yours') })])
  })

  it('that is deleted is gone', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const store = policyStore(env.KV)
    await store.policyFor('mine', ctx, NOW)
    await env.KV.delete('policy/mine')
    expect(await store.policyFor('mine', ctx, NOW + POLICY_STALE_MS + 1)).toBe(null)
  })

  it.each(['nobody', '../caller/x', '', 'UPPER', 'x'.repeat(61)])('there is none under %j', async name => {
    expect(await policyStore(env.KV).policyFor(name, ctx, NOW)).toBe(null)
  })
})

describe('the default policy', () => {
  it('is the bundled one where KV has none', async () => {
    expect((await policyStore(env.KV).policyFor('default', ctx, NOW))?.policy.name).toBe('default')
  })

  it('is the bundled one where KV fails at first boot, with an alarm; and the operator’s own as soon as KV answers', async () => {
    await env.KV.put('policy/default', policy('default', 'own'))
    const kv = faultyKv()
    kv.down = true
    const store = storeOver(kv)
    expect(await descriptionOf(store, 'default', NOW)).not.toBe('own')
    expect(store.problems()).toEqual([expect.objectContaining({ about: 'policy/default', since_ms: NOW })])
    kv.down = false
    expect(await descriptionOf(store, 'default', NOW + 6_000)).toBe('own')
    expect(store.problems()).toEqual([])
  })

  it('is the bundled one where the text in KV is broken from the start', async () => {
    await env.KV.put('policy/default', 'nonsense')
    const store = policyStore(env.KV)
    expect((await store.policyFor('default', ctx, NOW))?.policy.name).toBe('default')
    expect((await store.policyFor('default', ctx, NOW + 1))?.policy.name).toBe('default')
    expect(store.problems()).toHaveLength(1)
  })
})

describe('while KV is away', () => {
  it('policies that were read serve on, however old', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const kv = faultyKv()
    const store = storeOver(kv)
    await store.policyFor('mine', ctx, NOW)
    kv.down = true
    expect(await descriptionOf(store, 'mine', NOW + 3_600_000)).toBe('one')
    expect(store.problems()).toEqual([expect.objectContaining({ about: 'policy/mine', since_ms: NOW + 3_600_000 })])
  })

  it('a request waits a moment for a read that hangs, and goes on with what there is', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const kv = faultyKv()
    const store = storeOver(kv)
    await store.policyFor('mine', ctx, NOW)
    kv.hung = true
    expect(await descriptionOf(store, 'mine', NOW + 60_000)).toBe('one')
  })
})

describe('the names of policies', () => {
  it('are those in KV with the bundled default', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    expect(await policyStore(env.KV).allNames(NOW)).toEqual(['default', 'mine'])
  })

  it('are known at once, if not yet all, and read behind the request', async () => {
    await env.KV.put('policy/mine', policy('mine', 'one'))
    const store = policyStore(env.KV)
    expect(store.names(ctx, NOW)).toEqual(['default'])
    await behind()
    expect(store.names(ctx, NOW + 1)).toEqual(['default', 'mine'])
    expect(pending).toHaveLength(0)
  })
})
