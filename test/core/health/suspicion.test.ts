import { describe, expect, it } from 'vitest'
import { errorRateOf, noSuspicion } from '../../../worker/core/health/suspicion.ts'
import { having, outcome, START } from './outcomes.ts'
import { newGate, step, suspect } from './usual.ts'

describe('one tenant, whose requests all fail', () => {
  it('does not take a target from others who are being served', () => {
    let gate = newGate(START)
    for (let i = 0; i < 600; i++) {
      const now_ms = START + i * 250
      const event = i % 3 === 0 ? outcome('ok', now_ms, { org: 'b' }) : outcome('server', now_ms, { org: 'a' })
      gate = step(gate, event, now_ms, 0.5)
    }
    expect(gate.state).toBe('closed')
  })
  it('has no more to say for being loud', () => {
    const served = having('ok', 1, 0, newGate(START), START, { org: 'b' })
    expect(having('server', 100, 1, served.gate, START, { org: 'a' }).gate.state).toBe('closed')
  })
  it('is believed once others fail as well', () => {
    const served = having('ok', 1, 0, newGate(START), START, { org: 'b' })
    const one = having('server', 20, 1, served.gate, START, { org: 'a' })
    expect(having('server', 3, 1, one.gate, one.now_ms, { org: 'b' }).gate.state).toBe('open')
  })
  it('is believed where there are no others, and where they have been silent since', () => {
    expect(having('server', 5, 1).gate.state).toBe('open')
    const served = having('ok', 20, 100, newGate(START), START, { org: 'b' })
    expect(having('server', 5, 100, served.gate, START + 40_000, { org: 'a' }).gate.state).toBe('open')
  })
  it('shares what is known with no more than eight at once', () => {
    let gate = newGate(START)
    for (let i = 0; i < 50; i++) gate = step(gate, outcome('ok', START + i, { org: `org-${i}` }), START + i, 0.5)
    expect(gate.suspicion.tenants).toHaveLength(8)
    expect(gate.suspicion.tenants.at(-1)?.org).toBe('org-49')
  })
})

describe('a request that is late', () => {
  const late = outcome('late', START + 4_000, { sent_at_ms: START })
  const ended = (kind: 'ok' | 'timeout' | 'cancelled' | 'client') =>
    outcome(kind, START + 9_000, { sent_at_ms: START, decision_id: late.decision_id })
  const told = suspect(noSuspicion(START), late, START + 4_000, 1)

  it('counts at once', () => {
    expect(told.fast).toBeGreaterThan(2.5)
    expect(told.row).toBe(1)
  })
  it.each(['ok', 'client'] as const)('takes it back when it is answered after all (%s)', kind => {
    const taken = suspect(told, ended(kind), START + 9_000, 1)
    expect(taken).toMatchObject({ fast: 0, slow: 0, row: 0, late: [], failed: 0 })
  })
  it('counts once and not twice when it times out', () => {
    const twice = suspect(told, ended('timeout'), START + 9_000, 1)
    expect(twice.fast).toBeLessThanOrEqual(told.fast)
    expect(twice.row).toBe(1)
  })
  it('was late even if we gave up on it', () => {
    expect(suspect(told, ended('cancelled'), START + 9_000, 1).row).toBe(1)
  })
  it('takes it back when the answer is a rate limit', () => {
    const gate = step(
      step(newGate(START), late, START + 4_000, 0.5),
      outcome('rate', START + 5_000, { decision_id: late.decision_id }),
      START + 5_000,
      0.5,
    )
    expect(gate.suspicion).toMatchObject({ fast: 0, slow: 0, late: [] })
  })
  it('is one of sixteen remembered at most', () => {
    let many = noSuspicion(START)
    for (let i = 0; i < 40; i++) many = suspect(many, outcome('late', START), START, 1)
    expect(many.late).toHaveLength(16)
  })
})

describe('a target that is slow and answers', () => {
  /** A first token that came then, of a request sent a second before. */
  const token = (at_ms: number) => outcome('late', at_ms, { sent_at_ms: at_ms - 1_000, first_token_ms: 1_000 })
  const answering = (at_ms: number) => suspect(noSuspicion(START), token(at_ms), at_ms, 1)

  it('is not suspected for one that hangs, where others were answered meanwhile, and not only at the beginning', () => {
    const late = outcome('late', START + 4_000, { sent_at_ms: START })
    expect(suspect(answering(START + 700), late, START + 4_000, 1)).toMatchObject({ fast: 0, row: 0, late: [] })
    expect(suspect(answering(START + 600), late, START + 4_000, 1).fast).toBeGreaterThan(2.5)
  })
  it('is not suspected for one that was given up on, where it is known to be slow and still answers', () => {
    const timeout = outcome('timeout', START + 8_000, { sent_at_ms: START })
    expect(suspect(answering(START + 5_000), timeout, START + 8_000, 1, true)).toMatchObject({ fast: 0, failed: 0 })
    expect(suspect(answering(START + 3_000), timeout, START + 8_000, 1, true).fast).toBeGreaterThan(2.5)
    expect(suspect(answering(START + 5_000), timeout, START + 8_000, 1, false).fast).toBeGreaterThan(2.5)
  })
  it('is suspected for a stream that stalls, however it is otherwise', () => {
    const stalled = outcome('timeout', START + 8_000, { sent_at_ms: START, first_token_ms: 900 })
    expect(suspect(answering(START + 5_000), stalled, START + 8_000, 1, true).fast).toBeGreaterThan(2.5)
  })
  it('takes a late one back as soon as its first token comes', () => {
    const late = outcome('late', START + 4_000, { sent_at_ms: START })
    const told = suspect(noSuspicion(START), late, START + 4_000, 1)
    const come = outcome('late', START + 5_000, { sent_at_ms: START, first_token_ms: 5_000, decision_id: late.decision_id })
    expect(suspect(told, come, START + 5_000, 1)).toMatchObject({ fast: 0, row: 0, late: [], answered: 0 })
  })
})

describe('a tenant whose every request fails', () => {
  it('is not forgotten for the many that are answered, and believed anew', () => {
    let known = noSuspicion(START)
    let now_ms = START
    const tell = (kind: 'ok' | 'server', org: string) => {
      now_ms += 100
      known = suspect(known, outcome(kind, now_ms, { org }), now_ms, 1)
    }
    for (let n = 0; n < 400; n++) tell(n % 20 === 0 ? 'server' : 'ok', n % 20 === 0 ? 'poison' : `org-${n % 20}`)
    const before = known.fast
    tell('server', 'poison')
    expect(known.fast).toBeCloseTo(before, 1)
  })
  it('does not make those forgotten who are answered, however many they are', () => {
    let known = noSuspicion(START)
    for (let n = 0; n < 3; n++) known = suspect(known, outcome('ok', START + n, { org: `served-${n}` }), START + n, 1)
    for (let n = 0; n < 40; n++) known = suspect(known, outcome('server', START + 10 + n, { org: `failing-${n}` }), START + 10 + n, 1)
    expect(known.tenants.filter(({ org }) => org.startsWith('served'))).toHaveLength(3)
  })
})

describe('the error rate', () => {
  it('is the recent share of failures, and unknown without any request', () => {
    expect(errorRateOf(noSuspicion(START), START)).toBeNull()
    const one = suspect(suspect(noSuspicion(START), outcome('ok', START), START, 1), outcome('server', START), START, 1)
    expect(errorRateOf(one, START)).toBeCloseTo(0.5, 10)
    expect(errorRateOf(one, START + 3_600_000)).toBeNull()
  })
})
