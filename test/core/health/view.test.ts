import { describe, expect, it } from 'vitest'
import { fleet } from '../../../worker/core/health/fleet.ts'
import { heard } from '../../../worker/core/health/heard.ts'
import { isolateView, type Report } from '../../../worker/core/health/view.ts'
import type { HealthReply } from '../../../worker/schema/health.ts'
import { outcome, START } from './outcomes.ts'

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
