/** What a caller's own key meets stays with that key, and what the router's credential meets is nothing to it. */

import { describe, expect, it } from 'vitest'
import { seenByOwner } from '../../../worker/core/health/own-credential.ts'
import type { Outcome, OutcomeClass } from '../../../worker/schema/health.ts'
import { BACKOFF_MAX_MS, CREDENTIAL_RETRY_MS, credentialHealth, fleet } from './usual.ts'

const NOW_MS = 1_790_000_000_000
const DRAW = () => 0.5
let decisions = 0
const outcome = (target: string, what: OutcomeClass, at_ms = NOW_MS, probe = false): Outcome => ({
  target,
  class: what,
  decision_id: `dec_${decisions++}`,
  org: 'acme',
  size: 'm',
  sent_at_ms: at_ms - 10,
  at_ms,
  first_token_ms: what === 'ok' ? 100 : null,
  tokens_per_second: null,
  retry_after_ms: null,
  probe,
})
const MODEL = 'provider/model'
const healthAfter = (...classes: OutcomeClass[]) => {
  const own = credentialHealth()
  for (const what of classes) own.observe(outcome(MODEL, what), NOW_MS, DRAW)
  return own
}
const sharedAfter = (...classes: OutcomeClass[]) => {
  const all = fleet()
  for (const what of classes) all.observe(outcome(MODEL, what), NOW_MS, DRAW)
  return all.snapshot(NOW_MS)
}
const seen = (shared = sharedAfter('ok'), own = healthAfter(), at_ms = NOW_MS) =>
  seenByOwner(shared, new Map([['provider', own]]), at_ms).targets[MODEL]

describe('a key that its provider refuses', () => {
  it('closes the target to its owner, and to nobody else', () => {
    const shared = sharedAfter('ok')
    expect(seen(shared, healthAfter('auth'))?.auth_broken_until_ms).toBe(NOW_MS + CREDENTIAL_RETRY_MS)
    expect(shared.targets[MODEL]?.auth_broken_until_ms).toBeNull()
    expect(seen(shared, healthAfter())?.auth_broken_until_ms).toBeNull()
  })
  it('is tried again after a while', () =>
    expect(seen(sharedAfter('ok'), healthAfter('auth'), NOW_MS + CREDENTIAL_RETRY_MS + 1)?.auth_broken_until_ms).toBeNull())
})

describe('a key whose account fails', () => {
  const failing = () => healthAfter('server', 'server', 'server', 'server', 'server', 'server')
  it('opens the gate for its owner only, and may try again itself once its wait is over', () => {
    const own = failing()
    expect(seen(sharedAfter('ok'), own)?.state).toBe('open')
    expect(own.leases(NOW_MS)).toEqual([])
    expect(own.leases(NOW_MS + BACKOFF_MAX_MS)).toEqual([MODEL])
    expect(own.leases(NOW_MS + BACKOFF_MAX_MS)).toEqual([])
  })
  it('comes back by its own answers', () => {
    const own = failing()
    for (const at_ms of [NOW_MS + BACKOFF_MAX_MS, NOW_MS + BACKOFF_MAX_MS + 100]) {
      expect(own.leases(at_ms)).toEqual([MODEL])
      own.use(MODEL, at_ms)
      own.observe(outcome(MODEL, 'ok', at_ms + 50, true), at_ms + 50, DRAW)
    }
    expect(seen(sharedAfter('ok'), own, NOW_MS + BACKOFF_MAX_MS + 200)?.state).toBe('ramp')
  })
})

describe("what the router's own credential meets", () => {
  it('is nothing to a caller with a key of its own', () => {
    const shared = sharedAfter('ok', 'auth', 'rate')
    expect(shared.targets[MODEL]).toMatchObject({ auth_broken_until_ms: expect.any(Number) })
    expect(seen(shared)).toMatchObject({ state: 'closed', auth_broken_until_ms: null, limited_until_ms: null })
  })
  it('does count where the target itself is down, until its wait is over', () => {
    const shared = sharedAfter('ok', 'server', 'server', 'server', 'server', 'server', 'server')
    const until_ms = shared.targets[MODEL]?.until_ms ?? 0
    expect(until_ms).toBeGreaterThan(NOW_MS)
    expect(seen(shared)?.state).toBe('open')
    expect(seen(shared, healthAfter(), until_ms)?.state).toBe('closed')
  })
  it('leaves targets of other providers as they are, and the snapshot itself where nothing differs', () => {
    const shared = sharedAfter('ok', 'auth')
    expect(seenByOwner(shared, new Map([['other', healthAfter()]]), NOW_MS)).toBe(shared)
  })
})
