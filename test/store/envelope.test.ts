/** What seals a provider's key that a caller brings, in workerd's own cryptography. */
import { describe, expect, it } from 'vitest'
import { type About, rewrapped, seal, unseal } from '../../worker/store/envelope.ts'

const SECRET = 'sk-provider-key-of-the-caller'
const FIRST = { PROVIDER_KEY_MASTER: 'the first master, of 32 characters or more' }
const BOTH = { ...FIRST, PROVIDER_KEY_MASTER_2: 'the second master, of 32 characters or more' }
const SECOND = { PROVIDER_KEY_MASTER_2: BOTH.PROVIDER_KEY_MASTER_2 }
const about: About = { id: 'aaaaaaaaaaa', org: 'acme', team: null, key_id: null, provider: 'openai' }
const sealedFor = async (whose: About = about, variables: Record<string, string> = FIRST) => {
  const sealed = await seal(SECRET, whose, variables)
  if (!sealed) throw new Error('not sealed')
  return sealed
}

describe('a sealed key', () => {
  it('opens for what it was sealed for', async () => expect(await unseal(await sealedFor(), about, FIRST)).toBe(SECRET))
  it('says nothing of what is in it', async () => {
    const text = JSON.stringify(await sealedFor())
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(Buffer.from(SECRET).toString('hex'))
  })
  it.each([
    ['another organisation', { org: 'evil' }],
    ['another team', { team: 'search' }],
    ["another caller's key", { key_id: 'bbbbbbbbbbb' }],
    ['another provider', { provider: 'anthropic' }],
    ['another record', { id: 'bbbbbbbbbbb' }],
  ])('does not open in the record of %s', async (_, change) =>
    expect(await unseal(await sealedFor(), { ...about, ...change }, FIRST)).toBeNull(),
  )
  it('does not open with parts of another', async () => {
    const [one, other] = [await sealedFor(), await sealedFor()]
    expect(await unseal({ ...one, wrapped: other.wrapped }, about, FIRST)).toBeNull()
    expect(await unseal({ ...one, sealed: other.sealed }, about, FIRST)).toBeNull()
    expect(await unseal({ ...one, sealed: one.wrapped }, about, FIRST)).toBeNull()
  })
  it('does not open when a single digit of it is changed, cut off or gone', async () => {
    const one = await sealedFor()
    for (const name of ['wrapped', 'sealed'] as const) {
      for (const at of [0, 30, one[name].length - 1]) {
        const digit = one[name][at] === '0' ? '1' : '0'
        expect(await unseal({ ...one, [name]: one[name].slice(0, at) + digit + one[name].slice(at + 1) }, about, FIRST)).toBeNull()
      }
      expect(await unseal({ ...one, [name]: one[name].slice(0, -2) }, about, FIRST)).toBeNull()
      expect(await unseal({ ...one, [name]: '' }, about, FIRST)).toBeNull()
    }
  })
  it('does not open without its master, or with one that is too short to be one', async () => {
    const one = await sealedFor()
    expect(await unseal(one, about, {})).toBeNull()
    expect(await unseal(one, about, SECOND)).toBeNull()
    expect(await seal(SECRET, about, { PROVIDER_KEY_MASTER: 'short' })).toBeNull()
    expect(await seal(SECRET, about, {})).toBeNull()
  })
})

describe('a new master', () => {
  it('is the one that new keys are sealed under, while those under the old one go on', async () => {
    const old = await sealedFor()
    expect((await sealedFor(about, BOTH)).master).toBe('2')
    expect(await unseal(old, about, BOTH)).toBe(SECRET)
  })
  it('takes a key over without its being sealed anew; then the old master may go', async () => {
    const old = await sealedFor()
    const moved = await rewrapped(old, about, BOTH)
    expect(moved).toMatchObject({ master: '2', sealed: old.sealed })
    expect(moved && (await unseal(moved, about, SECOND))).toBe(SECRET)
  })
  it('takes over nothing that the old one does not open', async () => {
    expect(await rewrapped(await sealedFor(), { ...about, org: 'evil' }, BOTH)).toBeNull()
    expect(await rewrapped(await sealedFor(), about, SECOND)).toBeNull()
  })
})

describe('nonces and data keys', () => {
  it('are never the same twice', async () => {
    const nonces = new Set<string>()
    const texts = new Set<string>()
    for (let i = 0; i < 2_000; i++) {
      const { wrapped, sealed } = await sealedFor()
      nonces.add(wrapped.slice(0, 24)).add(sealed.slice(0, 24))
      texts.add(wrapped.slice(24)).add(sealed.slice(24))
    }
    expect([nonces.size, texts.size]).toEqual([4_000, 4_000])
  })
  it('come from a source whose 96 bits do not repeat in a million', { timeout: 60_000 }, () => {
    const seen = new Set<bigint>()
    for (let drawn = 0; drawn < 1_000_000; drawn += 4_000) {
      // 64 of the 96 bits, which makes a repetition likelier and the set small enough.
      for (const half of crypto.getRandomValues(new BigUint64Array(4_000))) seen.add(half)
    }
    expect(seen.size).toBe(1_000_000)
  })
})
