import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Gate, GateCommand } from '../../../worker/core/health/gate.ts'
import { mustOutlive } from '../../../worker/core/health/gate-told.ts'
import { OUTCOME_CLASSES, type Outcome } from '../../../worker/schema/health.ts'
import { having, outcome, random, START, told } from './outcomes.ts'
import {
  BACKOFF_MAX_MS,
  BACKOFF_MIN_MS,
  CREDENTIAL_RETRY_MS,
  grantProbe,
  healthOf,
  LEASE_MS,
  newGate,
  RAMP_MS,
  RETRY_AFTER_MAX_MS,
  step,
} from './usual.ts'

const stateOf = (gate: Gate, now_ms: number) => healthOf(gate, now_ms).state

/** Opened at `START`, with its wait neither shortened nor lengthened. */
function anOpenGate(): { gate: Gate; probe_ms: number } {
  const { gate } = having('connection', 5, 0)
  return { gate, probe_ms: gate.until_ms as number }
}

function aProbingGate() {
  const { gate, probe_ms } = anOpenGate()
  return { gate: grantProbe(gate, probe_ms).gate, now_ms: probe_ms }
}

function aRampingGate() {
  const { gate, now_ms } = aProbingGate()
  const one = told(gate, outcome('ok', now_ms, { probe: true }), now_ms)
  const again = grantProbe(one, now_ms)
  return { gate: told(again.gate, outcome('ok', now_ms, { probe: true }), now_ms), now_ms }
}

describe('a target that fails', () => {
  it.each(['connection', 'server', 'timeout', 'truncated', 'gone', 'late'] as const)(
    'is left after at most five straight failures (%s), at any pace',
    kind => {
      for (const every_ms of [0, 50, 500, 5_000, 60_000, 300_000]) {
        const { gate, now_ms } = having(kind, 5, every_ms)
        expect(gate.state).toBe('open')
        expect(gate.until_ms as number).toBeGreaterThanOrEqual(now_ms - every_ms)
      }
    },
  )
  it('is left after four where they come fast', () => {
    expect(having('server', 3, 50).gate.state).toBe('closed')
    expect(having('server', 4, 50).gate.state).toBe('open')
  })
  it('that had been answering well for long is left no later', () => {
    const well = having('ok', 1_000, 100)
    expect(having('server', 5, 100, well.gate, well.now_ms).gate.state).toBe('open')
  })
  it('is not left for failures a quarter of an hour apart', () => {
    expect(having('server', 50, 900_000).gate.state).toBe('closed')
  })
  it('half of the time is left within forty requests, a quarter of the time within two hundred', () => {
    for (const [share, within] of [
      [0.5, 40],
      [0.25, 200],
    ] as const) {
      for (let seed = 1; seed <= 50; seed++) {
        const draw = random(seed)
        let gate = newGate(START)
        let requests = 0
        while (gate.state === 'closed' && requests < 1_000) {
          const now_ms = START + 500 * requests++
          gate = step(gate, outcome(draw() < share ? 'server' : 'ok', now_ms), now_ms, 0.5)
        }
        expect(requests).toBeLessThanOrEqual(within)
      }
    }
  })
})

describe('a healthy target', () => {
  it('with one failure in a hundred is never left, in 300,000 requests', () => {
    const draw = random(7)
    let gate = newGate(START)
    for (let i = 0; i < 300_000; i++) {
      const now_ms = START + i * 200
      gate = step(gate, outcome(draw() < 0.01 ? 'server' : 'ok', now_ms), now_ms, 0.5)
      if (gate.state !== 'closed') break
    }
    expect(gate.state).toBe('closed')
  })
  it.each(['rate', 'auth', 'client', 'cancelled'] as const)('is never opened by %s', kind => {
    expect(having(kind, 500, 100).gate.state).toBe('closed')
  })
  it('is not opened by a few empty answers, which may be the requests’ doing', () => {
    expect(having('garbage', 5, 100).gate.state).toBe('closed')
    expect(having('garbage', 20, 100).gate.state).toBe('open')
  })
})

describe('an open target', () => {
  it('waits between four and six seconds at first', () => {
    for (const draw of [0, 0.5, 0.999]) {
      let gate = newGate(START)
      for (let i = 0; i < 5; i++) gate = step(gate, outcome('server', START), START, draw)
      const wait_ms = (gate.until_ms as number) - START
      expect(wait_ms).toBeGreaterThanOrEqual(0.8 * BACKOFF_MIN_MS)
      expect(wait_ms).toBeLessThanOrEqual(1.2 * BACKOFF_MIN_MS)
    }
  })
  it('may be probed when its wait is over, to the millisecond, and by one at a time', () => {
    const { gate, probe_ms } = anOpenGate()
    expect(grantProbe(gate, probe_ms - 1).granted).toBe(false)
    const first = grantProbe(gate, probe_ms)
    expect(first.granted).toBe(true)
    expect(stateOf(first.gate, probe_ms)).toBe('probing')
    expect(grantProbe(first.gate, probe_ms + 1).granted).toBe(false)
  })
  it('is not revived, nor kept down, by late answers to requests sent before it opened', () => {
    const { gate, probe_ms } = anOpenGate()
    const late = told(gate, outcome('ok', probe_ms, { sent_at_ms: START - 1 }), probe_ms)
    expect(late.state).toBe('open')
    const ramping = aRampingGate()
    const { gate: still } = having('timeout', 10, 0, ramping.gate, ramping.now_ms, { sent_at_ms: START - 1 })
    expect(still.state).toBe('ramp')
  })
  it('is not kept down by failures that were no probes', () => {
    const { gate } = anOpenGate()
    expect(having('server', 50, 10, gate, START + 10).gate.until_ms).toBe(gate.until_ms)
  })
  it('comes nearer by an answer in a panic, when requests were sent to it all the same', () => {
    const { gate } = anOpenGate()
    expect(told(gate, outcome('ok', START + 100), START + 100).state).toBe('probing')
  })
  it('is not probed while it is rate-limited or its credential is refused', () => {
    const { gate, probe_ms } = anOpenGate()
    const limited = told(gate, outcome('rate', START + 1, { retry_after_ms: 60_000 }), START + 1)
    expect(grantProbe(limited, probe_ms).granted).toBe(false)
    expect(grantProbe(limited, START + 60_001).granted).toBe(true)
    const refused = told(gate, outcome('auth', START + 1), START + 1)
    expect(grantProbe(refused, probe_ms).granted).toBe(false)
  })
})

describe('a probe', () => {
  it('that fails sends the target back for half as long again, up to the longest wait', () => {
    let { gate, now_ms } = aProbingGate()
    const waits: number[] = []
    for (let i = 0; i < 5; i++) {
      gate = told(gate, outcome('server', now_ms, { probe: true }), now_ms)
      expect(gate.state).toBe('open')
      waits.push((gate.until_ms as number) - now_ms)
      now_ms = gate.until_ms as number
      gate = grantProbe(gate, now_ms).gate
    }
    expect(waits).toEqual([7_500, 11_250, 15_000, 15_000, 15_000])
  })
  it('whose sender died counts as failed after fifteen seconds', () => {
    const { gate, now_ms } = aProbingGate()
    expect(stateOf(gate, now_ms + LEASE_MS - 1)).toBe('probing')
    expect(healthOf(gate, now_ms + LEASE_MS)).toMatchObject({ state: 'open', until_ms: now_ms + LEASE_MS + 7_500 })
  })
  it('that is answered allows the next at once, and two of them a ramp', () => {
    const { gate, now_ms } = aProbingGate()
    const one = told(gate, outcome('ok', now_ms + 100, { probe: true }), now_ms + 100)
    expect(healthOf(one, now_ms + 100)).toMatchObject({ state: 'probing', until_ms: now_ms + 100 })
    const next = grantProbe(one, now_ms + 100)
    expect(next.granted).toBe(true)
    expect(told(next.gate, outcome('ok', now_ms + 200, { probe: true }), now_ms + 200).state).toBe('ramp')
  })
  it.each(['rate', 'auth'] as const)('that met %s shows nothing: the target waits again, no longer than before', kind => {
    const { gate, now_ms } = aProbingGate()
    const back = told(gate, outcome(kind, now_ms, { probe: true }), now_ms)
    expect(back).toMatchObject({ state: 'open', backoff_ms: gate.backoff_ms })
  })
  it.each(['client', 'cancelled'] as const)('that ended in %s gives its lease back', kind => {
    const { gate, now_ms } = aProbingGate()
    const back = told(gate, outcome(kind, now_ms, { probe: true }), now_ms)
    expect(back.state).toBe('probing')
    expect(grantProbe(back, now_ms).granted).toBe(true)
  })
  it('of an older lease has no say in a newer one', () => {
    const { gate, now_ms } = aProbingGate()
    const expired_ms = now_ms + LEASE_MS
    const again = grantProbe(told(gate, 'tick', expired_ms), expired_ms + 7_500)
    expect(again.granted).toBe(true)
    const late = outcome('server', expired_ms + 7_600, { probe: true, sent_at_ms: now_ms })
    expect(told(again.gate, late, expired_ms + 7_600).state).toBe('probing')
  })
})

describe('a target that comes back', () => {
  it('gets a tenth of the requests at first, and all of them in half a minute', () => {
    const { gate, now_ms } = aRampingGate()
    expect(healthOf(gate, now_ms).ramp_share).toBeCloseTo(0.1, 10)
    expect(healthOf(gate, now_ms + RAMP_MS / 2).ramp_share).toBeCloseTo(0.55, 10)
    expect(healthOf(gate, now_ms + RAMP_MS)).toMatchObject({ state: 'closed', ramp_share: 1 })
  })
  it('is trusted half as far meanwhile: two failures send it back', () => {
    const { gate, now_ms } = aRampingGate()
    expect(having('server', 1, 10, gate, now_ms).gate.state).toBe('ramp')
    const { gate: back } = having('server', 2, 10, gate, now_ms)
    expect(back).toMatchObject({ state: 'open', backoff_ms: 7_500 })
  })
  it('and once it has, is as any other, and waits no longer for its past', () => {
    const { gate, now_ms } = aRampingGate()
    const closed = told(gate, 'tick', now_ms + RAMP_MS)
    expect(closed).toMatchObject({ state: 'closed', backoff_ms: BACKOFF_MIN_MS })
    expect(having('server', 3, 10, closed, now_ms + RAMP_MS).gate.state).toBe('closed')
  })
  it('is found within half a minute of having healed, after an outage of ten minutes', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const draw = random(seed)
      const heals_ms = START + 600_000 + Math.floor(draw() * 60_000)
      let gate = newGate(START)
      let now_ms = START
      while (now_ms < heals_ms || gate.state === 'open' || gate.state === 'probing') {
        now_ms += 500
        const { gate: next, granted } = grantProbe(gate, now_ms)
        gate = next
        if (gate.state === 'closed' || granted)
          gate = step(gate, outcome(now_ms < heals_ms ? 'server' : 'ok', now_ms, { probe: granted }), now_ms, draw())
      }
      expect(now_ms - heals_ms).toBeLessThanOrEqual(30_000)
    }
  })
})

describe('a target taken out by hand', () => {
  const isolated = told(newGate(START), 'isolate', START)
  it('stays out, whatever happens', () => {
    const { gate } = having('ok', 100, 60_000, isolated)
    expect(gate.state).toBe('isolated')
    expect(grantProbe(gate, START + 1e9).granted).toBe(false)
  })
  it('comes back on a ramp', () => {
    expect(told(isolated, 'release', START).state).toBe('ramp')
    expect(told(newGate(START), 'release', START).state).toBe('closed')
  })
})

describe('a rate limit', () => {
  it('is kept for as long as the provider asks, and the longest asked wins', () => {
    const long = told(newGate(START), outcome('rate', START, { retry_after_ms: 30_000 }), START)
    const short = told(long, outcome('rate', START + 1, { retry_after_ms: 1_000 }), START + 1)
    expect(healthOf(short, START + 1).limited_until_ms).toBe(START + 30_000)
    expect(healthOf(short, START + 30_000).limited_until_ms).toBeNull()
  })
  it('without a time doubles with each in a row, at random, up to a minute, and an answer ends the row', () => {
    let gate = newGate(START)
    let now_ms = START
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      gate = told(gate, outcome('rate', now_ms), now_ms, 1)
      waits.push((gate.limited_until_ms as number) - now_ms)
      now_ms = gate.limited_until_ms as number
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
    const answered = told(gate, outcome('ok', now_ms), now_ms)
    expect(told(answered, outcome('rate', now_ms), now_ms, 1).limited_until_ms).toBe(now_ms + 2_000)
  })
  it('met by many requests at once is one limit', () => {
    const { gate } = having('rate', 30, 1)
    expect(gate.limits_in_row).toBe(1)
  })
  it('is believed for an hour at most', () => {
    const gate = told(newGate(START), outcome('rate', START, { retry_after_ms: 1e9 }), START)
    expect(gate.limited_until_ms).toBe(START + RETRY_AFTER_MAX_MS)
  })
})

describe('a refused credential', () => {
  const refused = told(newGate(START), outcome('auth', START), START)
  it('keeps requests away for five minutes', () => {
    expect(healthOf(refused, START).auth_broken_until_ms).toBe(START + CREDENTIAL_RETRY_MS)
    expect(healthOf(refused, START + CREDENTIAL_RETRY_MS).auth_broken_until_ms).toBeNull()
  })
  it('is forgotten when it changes, or when it works again', () => {
    expect(told(refused, 'credential_changed', START + 1).auth_broken_until_ms).toBeNull()
    expect(told(refused, outcome('ok', START + 2), START + 2).auth_broken_until_ms).toBeNull()
  })
  it('is not forgotten for an answer to a request sent before', () => {
    expect(told(refused, outcome('ok', START + 2, { sent_at_ms: START - 1 }), START + 2).auth_broken_until_ms).not.toBeNull()
  })
})

describe('a clock that went back', () => {
  const FAR = START + 1e11
  it('leaves no target open for longer than the longest wait', () => {
    const open = having('server', 5, 0, newGate(FAR), FAR).gate
    const near = grantProbe(open, START)
    expect(near.granted).toBe(false)
    expect(grantProbe(near.gate, START + 1.2 * BACKOFF_MAX_MS).granted).toBe(true)
  })
  it('nor any limit, credential or lease for longer than theirs', () => {
    const limited = told(newGate(FAR), outcome('rate', FAR, { retry_after_ms: 1_000 }), FAR)
    expect(healthOf(limited, START).limited_until_ms).toBe(START + RETRY_AFTER_MAX_MS)
    const refused = told(newGate(FAR), outcome('auth', FAR), FAR)
    expect(healthOf(refused, START).auth_broken_until_ms).toBe(START + CREDENTIAL_RETRY_MS)
  })
  it('and what it opened can be probed back', () => {
    const open = having('server', 5, 0, newGate(FAR), FAR).gate
    const probing = grantProbe(grantProbe(open, START).gate, START + 20_000).gate
    const answered = told(probing, outcome('ok', START + 20_100, { sent_at_ms: START + 20_000, probe: true }), START + 20_100)
    expect(answered.probes_ok).toBe(1)
  })
})

describe('whatever happens, in whatever order, by whatever clock', () => {
  type Event =
    | { kind: 'outcome'; outcome: Partial<Outcome> & Pick<Outcome, 'class'> }
    | { kind: 'probe' }
    | { kind: 'command'; command: GateCommand }
  const event: fc.Arbitrary<Event> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('outcome' as const),
        outcome: fc.record({
          class: fc.constantFrom(...OUTCOME_CLASSES),
          org: fc.constantFrom('a', 'b', 'c'),
          size: fc.constantFrom('s' as const, 'm' as const, 'l' as const, 'xl' as const),
          first_token_ms: fc.option(fc.nat(20_000)),
          tokens_per_second: fc.option(fc.double({ min: 0, max: 500, noNaN: true })),
          retry_after_ms: fc.option(fc.nat(1e8)),
        }),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: 'probe' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('command' as const),
        command: fc.constantFrom('tick' as const, 'isolate' as const, 'release' as const, 'credential_changed' as const),
      }),
    },
  )
  const run = fc.array(
    fc.record({
      event,
      draw: fc.double({ min: 0, max: 0.999, noNaN: true }),
      // Mostly forward; at times far ahead, or back.
      passes_ms: fc.oneof(
        { weight: 8, arbitrary: fc.nat(20_000) },
        { weight: 1, arbitrary: fc.integer({ min: -60_000, max: 0 }) },
        { weight: 1, arbitrary: fc.constantFrom(1e11, -1e11, 3_600_000) },
      ),
      sent_ago_ms: fc.nat(30_000),
    }),
    { maxLength: 80 },
  )

  it('the invariants hold', () => {
    fc.assert(
      fc.property(run, steps => {
        let gate = newGate(START)
        let now_ms = 1e12
        let lease: { until_ms: number; granted_ms: number } | null = null
        let before = gate
        for (const { event, draw, passes_ms, sent_ago_ms } of steps) {
          now_ms = Math.max(1, now_ms + passes_ms)
          before = gate
          if (event.kind === 'probe') {
            const { gate: next, granted } = grantProbe(gate, now_ms)
            gate = next
            // At most one lease is out: none is granted before the last has run out or been reported.
            if (granted && lease !== null) expect(now_ms >= lease.until_ms || now_ms < lease.granted_ms).toBe(true)
            if (granted) lease = { until_ms: now_ms + LEASE_MS, granted_ms: now_ms }
          } else if (event.kind === 'command') {
            gate = step(gate, event.command, now_ms, draw)
            if (event.command === 'isolate') expect(gate.state).toBe('isolated')
            if (gate.state !== 'probing') lease = null
          } else {
            const probe = lease !== null && event.outcome.class !== 'late'
            const sent_at_ms = probe ? (lease?.granted_ms ?? now_ms) : now_ms - sent_ago_ms
            const told = outcome(event.outcome.class, now_ms, { ...event.outcome, sent_at_ms, probe })
            gate = step(gate, told, now_ms, draw)
            if (probe || gate.state !== 'probing') lease = null
            const never = ['rate', 'auth', 'client', 'cancelled'].includes(told.class)
            if (never && before.state === 'closed') expect(gate.state).toBe('closed')
            if (before.state === 'isolated') expect(gate.state).toBe('isolated')
            const straggler = before.opened_at_ms !== null && sent_at_ms < Math.min(before.opened_at_ms, now_ms)
            if (straggler && before.state === 'open') expect(gate.state).toBe('open')
          }
          const health = healthOf(gate, now_ms)
          if (health.state === 'open') expect(Number.isFinite(health.until_ms)).toBe(true)
          expect(gate.backoff_ms).toBeGreaterThanOrEqual(BACKOFF_MIN_MS)
          expect(gate.backoff_ms).toBeLessThanOrEqual(BACKOFF_MAX_MS)
          expect(health.ramp_share).toBeGreaterThanOrEqual(0)
          expect(health.ramp_share).toBeLessThanOrEqual(1)
          if (health.error_rate !== null) expect(health.error_rate >= 0 && health.error_rate <= 1).toBe(true)
          if (gate.state !== before.state) expect(mustOutlive(before, gate)).toBe(true)
          // Plain data: what is stored and read back goes on as if nothing had been.
          expect(JSON.parse(JSON.stringify(gate))).toEqual(gate)
        }
        // And nothing lasts for ever: left alone by its operator, and answered, it comes back within two minutes.
        gate = step(gate, 'release', now_ms, 0.5)
        gate = step(gate, 'credential_changed', now_ms, 0.5)
        for (let i = 0; i < 120 + RETRY_AFTER_MAX_MS / 1_000; i++) {
          now_ms += 1_000
          const { gate: next, granted } = grantProbe(gate, now_ms)
          gate = next
          if (gate.state === 'closed') break
          if (gate.state === 'ramp' || granted) gate = step(gate, outcome('ok', now_ms, { probe: granted }), now_ms, 0.5)
        }
        expect(gate.state).toBe('closed')
      }),
      { numRuns: 500 },
    )
  })
})

describe('a gate that opened on silence alone', () => {
  const lates = Array.from({ length: 5 }, (_, i) => outcome('late', START + 3_000 + i, { sent_at_ms: START + i }))
  const open = lates.reduce((gate, late) => step(gate, late, late.at_ms, 0.5), newGate(START))
  const come = (late = lates[0]) =>
    outcome('late', START + 4_000, { sent_at_ms: late?.sent_at_ms, first_token_ms: 4_000, decision_id: late?.decision_id })

  it('closes again with the first token that comes after all: it was slow, and never gone', () => {
    expect(open.state).toBe('open')
    expect(told(open, come(), START + 4_000).state).toBe('closed')
  })
  it('stays open where the token is of a request it did not open on', () => {
    expect(told(open, outcome('late', START + 4_000, { sent_at_ms: START, first_token_ms: 4_000 }), START + 4_000).state).toBe('open')
  })
  it('stays open where failures opened it as well', () => {
    const failed = having('connection', 5, 1).gate
    expect(failed.state).toBe('open')
    expect(told(failed, come(), START + 4_000).state).toBe('open')
  })
})

describe('a gate that opened on the few that fail, with many under way', () => {
  const sent = (kind: 'ok' | 'server', at_ms: number, sent_at_ms: number) => outcome(kind, at_ms, { sent_at_ms })
  let open = newGate(START)
  for (let i = 0; i < 5; i++) open = step(open, sent('server', START + i * 300, START + i * 300 - 100), START + i * 300, 0.5)

  it('closes again when those that were sent since the first of them are answered', () => {
    expect(open.state).toBe('open')
    let gate = open
    for (let i = 0; i < 40 && gate.state !== 'closed'; i++)
      gate = step(gate, sent('ok', START + 2_000 + i, START + i * 20), START + 2_000 + i, 0.5)
    expect(gate.state).toBe('closed')
  })
  it('stays open, however many are answered that were sent before', () => {
    let gate = open
    for (let i = 0; i < 40; i++) gate = step(gate, sent('ok', START + 2_000 + i, START - 1_000 + i), START + 2_000 + i, 0.5)
    expect(gate.state).toBe('open')
  })
})

describe('a probe whose answer lasts longer than its lease', () => {
  it('keeps nobody waiting once it has begun, and counts when it ends', () => {
    const { gate, now_ms } = having('connection', 5, 1)
    const asked_ms = now_ms + 20_000
    const { gate: probing } = grantProbe(gate, asked_ms)
    const begun = told(probing, outcome('late', asked_ms + 500, { sent_at_ms: asked_ms, first_token_ms: 500, probe: true }), asked_ms + 500)
    expect(begun).toMatchObject({ state: 'probing', lease_until_ms: null })
    expect(grantProbe(begun, asked_ms + 600).granted).toBe(true)
    const answered = told(begun, outcome('ok', asked_ms + 40_000, { sent_at_ms: asked_ms, probe: true }), asked_ms + 40_000)
    expect(answered).toMatchObject({ state: 'probing', probes_ok: 1 })
  })
})

describe('a call that was closed as another one answered first', () => {
  it('is no failure and no answer, however often it happens', () => {
    const { gate } = having('cancelled', 200, 100, newGate(START), START, { waited_ms: 4_000 })
    expect([gate.state, gate.samples, gate.last_ok_at_ms]).toEqual(['closed', 0, null])
    expect({ ...gate.suspicion, at_ms: START }).toEqual(newGate(START).suspicion)
  })
})
