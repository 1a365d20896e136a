import { describe, expect, it } from 'vitest'
import { fleet } from '../../../worker/core/health/fleet.ts'
import { newGate, restored, step } from '../../../worker/core/health/gate.ts'
import { healthOf } from '../../../worker/core/health/gate-told.ts'
import { head } from '../../../worker/core/health/head.ts'
import { isolateView } from '../../../worker/core/health/view.ts'
import type { HealthSnapshot } from '../../../worker/schema/health.ts'
import { type HealthRules, healthRules, rulesFrom, USUAL_HEALTH } from '../../../worker/schema/health-rules.ts'
import { outcome, START } from './outcomes.ts'

type Written = Parameters<typeof healthRules.parse>[0]
const by = (written: Written): HealthRules => healthRules.parse(written)
/** Failures in a row until it opens, a second apart. */
function failuresUntilOpen(rules: HealthRules): number {
  let gate = newGate(START, rules)
  let failures = 0
  for (; gate.state === 'closed' && failures < 100; failures++) {
    const now_ms = START + failures * 1_000
    gate = step(gate, outcome('connection', now_ms), now_ms, 0.5, rules)
  }
  return failures
}
const opened = (rules: HealthRules) => {
  let gate = newGate(START, rules)
  for (let i = 0; i < 10; i++) gate = step(gate, outcome('connection', START), START, 0.5, rules)
  return gate
}

describe('a policy that says otherwise', () => {
  it('has a gate open sooner or later', () => {
    expect(failuresUntilOpen(USUAL_HEALTH)).toBe(4)
    expect(failuresUntilOpen(by({ suspicion: { fast: { open_at: 6 } } }))).toBe(2)
    expect(failuresUntilOpen(by({ suspicion: { fast: { open_at: 40 }, slow: { open_at: 40 }, row_length: 8 } }))).toBe(8)
  })
  it('has an open target left alone longer, and probed oftener before it comes back', () => {
    const rules = by({
      open: { backoff_first_ms: 60_000, backoff_at_most_ms: 60_000 },
      probe: { answers: 1 },
      ramp: { for_ms: 5_000, from_share: 0.4 },
    })
    const gate = opened(rules)
    expect(healthOf(gate, START, rules).until_ms).toBe(START + 60_000)
    const probe = outcome('ok', START + 60_000, { probe: true })
    const back = step({ ...gate, state: 'probing', until_ms: null }, probe, START + 60_000, 0.5, rules)
    expect(healthOf(back, START + 60_000, rules)).toMatchObject({ state: 'ramp', ramp_share: 0.4 })
    expect(healthOf(back, START + 65_000, rules).state).toBe('closed')
  })
  it('has limits and refused credentials tried again sooner', () => {
    const rules = by({ rate_limit: { retry_after_at_most_ms: 60_000 }, credential: { retry_after_ms: 10_000 } })
    const limited = step(newGate(START, rules), outcome('rate', START, { retry_after_ms: 600_000 }), START, 0.5, rules)
    const refused = step(limited, outcome('auth', START), START, 0.5, rules)
    expect(healthOf(refused, START, rules)).toMatchObject({ limited_until_ms: START + 60_000, auth_broken_until_ms: START + 10_000 })
  })
  it('has a target called slow for less', () => {
    const slowAfter = (rules: HealthRules) => {
      let gate = newGate(START, rules)
      let now_ms = START
      const answer = (first_token_ms: number) => {
        now_ms += 500
        gate = step(gate, outcome('ok', now_ms, { first_token_ms }), now_ms, 0.5, rules)
      }
      for (let i = 0; i < 50; i++) answer(500 + (i % 5) * 50)
      let slower = 0
      for (; !healthOf(gate, now_ms, rules).slow && slower < 100; slower++) answer(3_000)
      return slower
    }
    expect(slowAfter(by({ slow: { at: 3 } }))).toBeLessThan(slowAfter(USUAL_HEALTH))
    expect(slowAfter(by({ slow: { at: 60, at_most: 60 } }))).toBeGreaterThan(slowAfter(USUAL_HEALTH))
  })
})

describe('a policy that is changed while a gate is open', () => {
  it('leaves it open, and no longer than the new rules would', () => {
    const gate = restored(opened(by({ open: { backoff_first_ms: 600_000, backoff_at_most_ms: 600_000 } })), START, USUAL_HEALTH)
    expect(healthOf(gate, START, USUAL_HEALTH)).toMatchObject({ state: 'open', until_ms: START + 18_000 })
  })
  it('holds from the next outcome on', () => {
    let rules = by({ suspicion: { fast: { open_at: 100 }, slow: { open_at: 100 }, row_length: 100 } })
    const known = fleet(() => rules)
    const fail = () => known.observe(outcome('connection', START), START, () => 0.5)
    for (let i = 0; i < 8; i++) fail()
    expect(known.gates.get('p/m')?.state).toBe('closed')
    rules = USUAL_HEALTH
    fail()
    expect(known.gates.get('p/m')?.state).toBe('open')
  })
})

describe('whoever is given a snapshot', () => {
  const strict = by({ suspicion: { fast: { open_at: 6 } } })
  const snapshot = (taken_at_ms: number, rules?: HealthRules): HealthSnapshot => ({
    v: 1,
    taken_at_ms,
    targets: {},
    ...(rules && { rules }),
  })
  const told = (given: HealthSnapshot, view = isolateView()) => {
    view.replied({ v: 1, snapshot: given, probes: [] }, given.taken_at_ms)
    return view
  }
  const stateAfterTwo = (view: ReturnType<typeof isolateView>, now_ms: number) => {
    for (let i = 0; i < 2; i++) view.observe(outcome('connection', now_ms), now_ms, () => 0.5)
    return view.see(now_ms).health.targets['p/m']?.state
  }
  it('is told by which rules it was taken, where they are not the usual ones', () => {
    expect(head(() => USUAL_HEALTH).snapshot(START).rules).toBeUndefined()
    expect(head(() => strict).snapshot(START).rules).toEqual(strict)
  })
  it('judges what it sees itself by them, until another says otherwise', () => {
    expect(stateAfterTwo(told(snapshot(START)), START + 1)).toBe('closed')
    expect(stateAfterTwo(told(snapshot(START, strict)), START + 1)).toBe('open')
    expect(told(snapshot(START + 5), told(snapshot(START, strict))).rules()).toBe(USUAL_HEALTH)
  })
  it('passes them on, as a relay does and a data centre', () => {
    const view = told(snapshot(START, strict))
    expect(view.see(START + 1).health.rules).toEqual(strict)
    expect(view.left()?.snapshot.rules).toEqual(strict)
  })
  it('keeps what it goes by where it cannot read them, as of a version to come', () => {
    const view = told(snapshot(START, strict))
    told({ ...snapshot(START + 5), rules: { ...strict, tomorrow: {} } as unknown as HealthRules }, view)
    expect(view.rules()).toEqual(strict)
  })
})

describe('rules that are read', () => {
  it('are one object where they are the usual ones', () => {
    expect(rulesFrom(JSON.parse(JSON.stringify(USUAL_HEALTH)))).toBe(USUAL_HEALTH)
    expect(rulesFrom({})).toBe(USUAL_HEALTH)
    expect(rulesFrom({ surge: { settled_after_ms: 0 } })?.surge.settled_after_ms).toBe(0)
  })
  it.each([
    ['nothing', undefined],
    ['a bound exceeded', { open: { backoff_first_ms: 0 } }],
    ['a key that is not known', { open: { backoff_ms: 5_000 } }],
    ['a text', 'strict'],
  ])('are not guessed: %s', (_, value) => expect(rulesFrom(value)).toBeNull())
})
