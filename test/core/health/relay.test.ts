import { describe, expect, it } from 'vitest'
import type { Report } from '../../../worker/core/health/outbox.ts'
import { PASS_ON_EVERY_MS, relay } from '../../../worker/core/health/relay.ts'
import { isolateView, REPORT_AT } from '../../../worker/core/health/view.ts'
import type { HealthReport, Outcome } from '../../../worker/schema/health.ts'
import { outcome, START } from './outcomes.ts'
import { BACKOFF_MAX_MS, head } from './usual.ts'

const draw = () => 0.5

/** Some relays before one object, and isolates that tell them; nothing is lost but by a test. */
function region(relays: number) {
  const object = head()
  const posts = Array.from({ length: relays }, relay)
  let seq = 0
  const post = (at: number) => posts[at] as ReturnType<typeof relay>
  const report = (outcomes: Outcome[], more: Partial<HealthReport> = {}): HealthReport => {
    const from = seq
    seq += outcomes.length
    return { v: 1, isolate: `i-${from}`, seq, from: 0, outcomes, wants_probe: [], ...more }
  }
  const arrives = (at: number, sent: Report, now_ms: number) => {
    const probes = object.told({ ...sent, isolate: `relay-${at}` }, now_ms, draw)
    return object.reply(probes, now_ms)
  }
  const passesOn = (at: number, now_ms: number) => {
    const sent = post(at).nextReport(now_ms)
    if (sent !== null) post(at).replied(arrives(at, sent, now_ms + 2), now_ms + 4)
  }
  return {
    object,
    post,
    report,
    arrives,
    passesOn,
    /** Told, passed on where that is due, and answered. */
    tells(at: number, now_ms: number, outcomes: Outcome[], more: Partial<HealthReport> = {}) {
      const sent = report(outcomes, more)
      if (post(at).told(sent, now_ms, draw).pass_on) passesOn(at, now_ms)
      return post(at).answer(sent, now_ms + 5)
    },
    state: () => object.fleet.gates.get('p/m')?.state,
    samples: () => object.fleet.gates.get('p/m')?.samples ?? 0,
  }
}
const failing = (at_ms: number, org: string) => outcome('server', at_ms, { org })
const answered = (at_ms: number) => outcome('ok', at_ms, { first_token_ms: 300 })

describe('failures told to different relays', () => {
  it('open the gate as soon as they would at one object', () => {
    const alone = region(1)
    let needed = 0
    for (; alone.state() !== 'open'; needed++) alone.tells(0, START + needed * 100, [failing(START + needed * 100, `o-${needed}`)])
    const spread = region(8)
    for (let i = 0; i < needed; i++) {
      expect(spread.state()).not.toBe('open')
      spread.tells(i % 8, START + i * 100, [failing(START + i * 100, `o-${i}`)])
    }
    expect(spread.state()).toBe('open')
  })
  it('are passed on at once, and the isolate is answered with what came of it', () => {
    const { tells } = region(2)
    for (let i = 0; i < 5; i++) tells(i % 2, START + i, [failing(START + i, `o-${i}`)])
    expect(tells(1, START + 10, [failing(START + 10, 'o')]).snapshot.targets['p/m']?.state).toBe('open')
  })
})

describe('answers', () => {
  it('are gathered for a quarter of a second, or until there are fifty', () => {
    const { post, report, tells } = region(1)
    tells(0, START, [answered(START)])
    expect(post(0).told(report([answered(START + 50)]), START + 50, draw).pass_on).toBe(false)
    expect(post(0).told(report([answered(START + PASS_ON_EVERY_MS)]), START + PASS_ON_EVERY_MS, draw)).toEqual({
      pass_on: true,
      wait: false,
    })
    const many = Array.from({ length: REPORT_AT }, () => answered(START + 60))
    expect(
      region(1)
        .post(0)
        .told(report(many), START + 60, draw).pass_on,
    ).toBe(true)
  })
  it('count once each, with how many reports brought them', () => {
    const { tells, passesOn, samples, object } = region(3)
    for (let i = 0; i < 300; i++) tells(i % 3, START + i * 10, [answered(START + i * 10)])
    for (const at of [0, 1, 2]) passesOn(at, START + 4_000)
    expect(samples()).toBe(300)
    expect(object.reply([], START + 4_000).relays).toEqual({ count: 0, since_ms: 0 })
  })
  it('count once where the reply to a report was lost', () => {
    const { post, report, arrives, passesOn, samples } = region(1)
    post(0).told(report([answered(START)]), START, draw)
    const sent = post(0).nextReport(START) as Report
    arrives(0, sent, START + 2)
    post(0).missed(sent, START)
    post(0).told(report([answered(START + 3_100)]), START + 3_100, draw)
    passesOn(0, START + 3_200)
    expect(samples()).toBe(2)
  })
  it('count once where an isolate repeats its own report', () => {
    const { post, report, passesOn, samples } = region(1)
    const twice = report([answered(START)])
    for (const again_ms of [0, 3_000]) post(0).told(twice, START + again_ms, draw)
    passesOn(0, START + 3_100)
    expect(samples()).toBe(1)
  })
})

describe('a lease', () => {
  const due_ms = START + 2 * BACKOFF_MAX_MS
  function open() {
    const all = region(2)
    for (let i = 0; i < 6; i++) all.tells(i % 2, START + i, [failing(START + i, `o-${i}`)])
    return all
  }
  it('of an open target goes to one isolate of one relay', () => {
    const { tells } = open()
    const asking = { wants_probe: ['p/m'] }
    const given = [0, 1, 0, 1].map((at, i) => tells(at, due_ms + i * 20, [], asking).probes)
    expect(given.flat()).toEqual(['p/m'])
  })
  it('that nobody asked for in time is not given later', () => {
    const { tells, passesOn, post, report } = open()
    post(0).told(report([], { wants_probe: ['p/m'] }), due_ms, draw)
    passesOn(0, due_ms)
    expect(tells(0, due_ms + 600, [], { wants_probe: ['p/m'] }).probes).toEqual([])
  })
  it('that an isolate uses is told of at once', () => {
    const { post, report } = open()
    expect(post(0).told(report([], { uses_probe: ['p/m'] }), due_ms, draw)).toMatchObject({ pass_on: true, wait: true })
    expect(post(0).nextReport(due_ms)?.uses_probe).toEqual(['p/m'])
  })
})

describe('while the object is away', () => {
  it('goes by what its own isolates see, and tries the object now and then', () => {
    const { post, report } = region(1)
    let tries = 0
    for (let i = 0; i < 100; i++) {
      const now_ms = START + i * 20
      if (!post(0).told(report([failing(now_ms, `o-${i}`)]), now_ms, draw).pass_on) continue
      const sent = post(0).nextReport(now_ms)
      if (sent === null) continue
      tries++
      post(0).missed(sent, now_ms)
    }
    expect(tries).toBeLessThanOrEqual(3)
    expect(post(0).answer(report([]), START + 2_000).snapshot.targets['p/m']?.state).toBe('open')
  })
})

describe('how many requests have begun', () => {
  it('is told by isolates with whatever they tell, once', () => {
    const view = isolateView()
    view.began(2)
    view.began(1)
    expect(view.nextReport(START)?.begun).toBe(3)
    view.replied({ v: 1, snapshot: { v: 1, taken_at_ms: START, targets: {} }, probes: [] }, START + 10)
    expect(view.nextReport(START + 5_000)?.begun).toBe(0)
  })
  it('is summed up by relays', () => {
    const { post, report } = region(1)
    for (const begun of [3, 4]) post(0).told(report([], { begun }), START, draw)
    post(0).told(report([]), START, draw)
    expect(post(0).nextReport(START)?.begun).toBe(7)
  })
})
