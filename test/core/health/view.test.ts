import { describe, expect, it } from 'vitest'
import { heard } from '../../../worker/core/health/heard.ts'
import type { Report } from '../../../worker/core/health/outbox.ts'
import { isolateView, LOOK_NO_MORE_MS, LOOKS_IN_VAIN } from '../../../worker/core/health/view.ts'
import type { HealthReply, NearbyHealth } from '../../../worker/schema/health.ts'
import { outcome, START } from './outcomes.ts'
import { fleet } from './usual.ts'

const draw = () => 0.5

/** An isolate and the object, with nothing between them but what a test lets through. */
function pair() {
  const view = isolateView()
  const known = heard()
  const object = fleet()
  return {
    view,
    fails: (at_ms: number) => view.observe(outcome('server', at_ms), at_ms, draw),
    arrives(report: Report | null, now_ms: number): HealthReply {
      if (report === null) throw new Error('there was nothing to report')
      for (const each of known.fresh({ ...report, isolate: 'a' })) object.observe(each, now_ms, draw)
      return { v: 1, snapshot: object.snapshot(now_ms), probes: [] }
    },
    counted: () => object.gates.get('p/m')?.samples ?? 0,
  }
}

describe('a report whose reply is lost', () => {
  it('is told again, and counts once', () => {
    const { view, fails, arrives, counted } = pair()
    fails(START)
    const first = view.nextReport(START)
    arrives(first, START + 20)
    view.missed(first as Report, START)
    const again = view.nextReport(START + 3_000)
    expect(again?.outcomes).toEqual(first?.outcomes)
    view.replied(arrives(again, START + 3_020), START + 3_040)
    expect(counted()).toBe(1)
    expect(view.nextReport(START + 4_000)?.outcomes).toEqual([])
  })
  it('takes along what happened meanwhile, which counts once too', () => {
    const { view, fails, arrives, counted } = pair()
    fails(START)
    const first = view.nextReport(START)
    fails(START + 1_000)
    arrives(first, START + 20)
    view.missed(first as Report, START)
    fails(START + 3_000)
    view.replied(arrives(view.nextReport(START + 3_000), START + 3_020), START + 3_040)
    expect(counted()).toBe(3)
  })
  it('still says that a probe had set out', () => {
    const { view } = pair()
    view.took({ steps: [{ target: 'p/m', probe: true }] } as unknown as Parameters<typeof view.took>[0])
    const first = view.nextReport(START) as Report
    view.missed(first, START)
    expect(view.nextReport(START + 3_000)?.uses_probe).toEqual(['p/m'])
  })
})

describe('how long a request waits for news', () => {
  const after = (round_trip_ms: number) => {
    const { view, arrives } = pair()
    for (let i = 0; i < 30; i++) {
      const now_ms = START + i * 10_000
      view.replied(arrives(view.nextReport(now_ms), now_ms), now_ms + round_trip_ms)
    }
    return view.see(START + 1_000_000)
  }
  it.each([
    ['80 ms where nothing is known of the way', null, 80],
    ['80 ms where it is short', 30, 80],
    ['as long as the way usually takes, and a quarter more', 100, 125],
    ['160 ms at most, however long it is', 900, 160],
  ])('is %s', (_, round_trip_ms, wait_ms) => {
    expect(round_trip_ms === null ? pair().view.see(START).wait_ms : after(round_trip_ms).wait_ms).toBeCloseTo(wait_ms, 5)
  })
})

describe('what cannot be told for long', () => {
  it('is forgotten from the oldest on, beyond five hundred, and the numbers go on', () => {
    const { view, fails, arrives, counted } = pair()
    for (let i = 0; i < 700; i++) fails(START + i)
    const report = view.nextReport(START + 1_000) as Report
    expect(report.outcomes).toHaveLength(500)
    expect(report.from).toBe(200)
    arrives(report, START + 1_020)
    expect(counted()).toBe(500)
  })
  it('is forgotten also while it is under way, and what arrives is not told again', () => {
    const { view, fails, arrives, counted } = pair()
    for (let i = 0; i < 500; i++) fails(START + i)
    const report = view.nextReport(START + 1_000) as Report
    for (let i = 0; i < 10; i++) fails(START + 1_000 + i)
    view.replied(arrives(report, START + 1_020), START + 1_040)
    view.replied(arrives(view.nextReport(START + 1_050), START + 1_060), START + 1_070)
    expect(counted()).toBe(510)
  })
})

describe('a snapshot that another isolate left nearby', () => {
  const left = (got_at_ms: number, taken_at_ms = got_at_ms, count = 0): NearbyHealth => ({
    v: 1,
    got_at_ms,
    snapshot: { v: 1, taken_at_ms, targets: {} },
    relays: { count, since_ms: count },
  })
  /** One that had its last snapshot at START. */
  function informed() {
    const both = pair()
    both.view.replied(both.arrives(both.view.nextReport(START - 20), START - 10), START)
    return both
  }
  it('is not looked for while the own one is less than a second old', () => {
    const { view } = informed()
    expect(view.see(START + 1_000)).toMatchObject({ look: false, ask: false, old: false })
    expect(view.see(START + 1_001)).toMatchObject({ look: true, ask: false, old: false })
  })
  it('is looked for first when the own one is two seconds old, and worth a wait', () => {
    expect(informed().view.see(START + 2_001)).toMatchObject({ look: true, ask: true, old: true })
  })
  it('will do for as long as it would have done where it was left', () => {
    const { view } = informed()
    expect(view.found(left(START + 1_500), START + 3_000)).toBe(true)
    expect(view.see(START + 3_400)).toMatchObject({ ask: false, old: false })
    expect(view.see(START + 3_501)).toMatchObject({ ask: true, old: true })
  })
  it.each([
    ['nothing', null],
    ['one of more than two seconds ago', left(START + 999)],
    ['one that was taken before the own one', left(START + 2_500, START - 500)],
  ])('is of no use: %s', (_, found) => {
    const { view } = informed()
    expect(view.found(found, START + 3_000)).toBe(false)
    expect(view.see(START + 3_001).ask).toBe(true)
  })
  it('does not hide a failure that is on its way to the object', () => {
    const { view, fails } = informed()
    fails(START + 2_500)
    expect(view.see(START + 2_501)).toMatchObject({ look: false, ask: true })
  })
  it('from a clock that is ahead is as old as now', () => {
    const { view } = informed()
    view.found(left(START + 60_000), START + 3_000)
    expect(view.see(START + 5_001).old).toBe(true)
  })
  it('is looked for no more for a minute after eight times in vain', () => {
    const { view } = informed()
    for (let i = 0; i < LOOKS_IN_VAIN; i++) view.found(null, START + 10_000 + i * 1_000)
    expect(view.see(START + 30_000)).toMatchObject({ look: false, ask: true, old: true })
    expect(view.see(START + 10_000 + (LOOKS_IN_VAIN - 1) * 1_000 + LOOK_NO_MORE_MS).look).toBe(true)
  })
  it('tells whom to tell to one who has told nobody anything yet, and to no other', () => {
    const [fresh, old] = [pair().view, informed().view]
    for (const view of [fresh, old]) view.found(left(START + 1_500, START + 1_500, 4), START + 2_000)
    expect([fresh.relays().count, old.relays().count]).toEqual([4, 0])
  })
  it('is left when half a second newer than what lies there, or where somebody was shut since', () => {
    const { view, arrives, fails } = informed()
    expect(view.left()?.snapshot.taken_at_ms).toBe(START - 10)
    expect(view.left()).toBeNull()
    const later = (at_ms: number) => view.replied(arrives(view.nextReport(at_ms), at_ms), at_ms)
    later(START + 300)
    expect(view.left()).toBeNull()
    later(START + 490)
    expect(view.left()).not.toBeNull()
    for (let i = 0; i < 6; i++) fails(START + 500 + i)
    later(START + 510)
    expect(view.left()?.snapshot.targets['p/m']?.state).toBe('open')
  })
})

describe('an isolate with answers to tell', () => {
  it('waits a second, a fifth more or less, and two seconds from its last report on', () => {
    const lots = [0, 0.5, 0.999]
    const first = lots.map(lot => pair().view.observe(outcome('ok', START), START, () => lot))
    expect(first.map(ms => Math.round(ms ?? 0))).toEqual([800, 1_000, 1_200])
    const after = lots.map(lot => {
      const { view } = pair()
      view.nextReport(START)
      return view.observe(outcome('ok', START + 500), START + 500, () => lot)
    })
    expect(after.map(ms => Math.round(ms ?? 0))).toEqual([1_500, 1_700, 1_900])
  })
  it('begins the two seconds anew when something urgent was told meanwhile', () => {
    const { view, arrives, fails } = pair()
    view.observe(outcome('ok', START), START, draw)
    fails(START + 900)
    view.replied(arrives(view.nextReport(START + 900), START + 910), START + 920)
    expect(view.due(START + 1_000)).toBeNull()
    view.observe(outcome('ok', START + 950), START + 950, draw)
    expect(view.due(START + 1_000)).toBe(1_900)
    expect(view.due(START + 2_900)).toBe(0)
  })
})

describe('an object that does not answer', () => {
  it('is tried after one, two, four and then every eight seconds', () => {
    const { view } = pair()
    let now_ms = START + 10_000
    const waits = [1, 2, 3, 4, 5].map(() => {
      view.missed(view.nextReport(now_ms) as Report, now_ms)
      const from_ms = now_ms
      while (!view.see(now_ms).ask) now_ms += 100
      return now_ms - from_ms
    })
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000])
  })
})
