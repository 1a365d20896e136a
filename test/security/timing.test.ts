/** How long it takes to refuse a key says nothing about which keys there are. Measured in Node, since workerd stops its clock while code runs. */
import { timingSafeEqual } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { authenticate, forgetCallers } from '../../worker/store/callers.ts'
import { newKeyParts, readKey, writeKey } from '../../worker/store/key-text.ts'
import { callerKey, makeKey } from '../../worker/store/keys.ts'

const KEY_PEPPER = 'a pepper for this test, long enough'
const TRIES = 4_000
const NOW_MS = Date.now()
const stored = new Map<string, unknown>()
const env = { KEY_PEPPER, KV: { get: async (name: string) => structuredClone(stored.get(name) ?? null) } } as unknown as Env
const ctx = { waitUntil: () => undefined }
const random = (count: number) => crypto.getRandomValues(new Uint8Array(count))

beforeAll(() => {
  // What workerd has and Node has elsewhere.
  Object.assign(crypto.subtle, { timingSafeEqual })
})

const refused = async (key: string) => {
  const answer = await authenticate(new Headers({ authorization: `Bearer ${key}` }), env, ctx, NOW_MS)
  expect(answer.ok).toBe(false)
}

describe('refusing a key', () => {
  it('takes the same time whether its id exists or not, whether it was revoked or has expired: means differ by less than 0.5 ms', {
    timeout: 120_000,
  }, async () => {
    const made = async (change: object) => {
      const { key, caller } = await makeKey(KEY_PEPPER, { org: 'acme', label: 'x' }, NOW_MS)
      stored.set(callerKey(caller.key_id), { ...caller, ...change })
      return key
    }
    const parts = (key: string) => readKey(key) ?? { key_id: '', secret: '' }
    const kinds: Record<string, () => Promise<string>> = {
      'an unknown id': async () => writeKey(newKeyParts(random)),
      'a wrong secret': async () => writeKey({ ...newKeyParts(random), key_id: parts(await made({})).key_id }),
      'a revoked key': () => made({ revoked_at_ms: 1 }),
      'an expired key': () => made({ expires_at_ms: 1 }),
    }
    const total = Object.fromEntries(Object.keys(kinds).map(kind => [kind, 0]))
    // One of each in turn, so that what else the machine does hits all alike.
    for (let i = 0; i < TRIES; i++) {
      for (const [kind, make] of Object.entries(kinds)) {
        const key = await make()
        const started = performance.now()
        await refused(key)
        total[kind] = (total[kind] ?? 0) + performance.now() - started
      }
      if (i % 500 === 0) forgetCallers()
    }
    const means = Object.values(total).map(sum => sum / TRIES)
    expect(Math.max(...means) - Math.min(...means)).toBeLessThan(0.5)
  })
})
