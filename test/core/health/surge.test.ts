import { describe, expect, it } from 'vitest'
import { outcome, START } from './outcomes.ts'
import { fleet, surges } from './usual.ts'

const draw = () => 0.5
const [PRIMARY, FALLBACK, OTHER] = ['p/m', 'q/m', 'r/m'] as const

/** Ten requests a second for half a minute, as many of them to each target, and each heard of when it has ended. */
function even(shares: Partial<Record<string, number>>) {
  const all = surges()
  let now_ms = START
  for (let second = 0; second < 30; second++) {
    for (const [target, count = 0] of Object.entries(shares)) {
      for (let n = 0; n < count; n++) {
        all.began(1)
        all.heard(target, now_ms)
      }
    }
    now_ms += 1_000
  }
  return { all, now_ms }
}

describe('requests that nothing was heard of yet', () => {
  it('are none where they flow evenly, nor where nobody says how many began', () => {
    const { all, now_ms } = even({ [PRIMARY]: 10 })
    expect(all.underWay(PRIMARY, now_ms)).toBe(0)
    const silent = surges()
    silent.heard(PRIMARY, START)
    expect(silent.underWay(PRIMARY, START)).toBe(0)
  })
  it('are all that began where everything begins', () => {
    const all = surges()
    all.began(50)
    all.heard(PRIMARY, START)
    expect(all.underWay(PRIMARY, START)).toBe(49)
  })
  it('are those by which more have begun than usually are under way', () => {
    const { all, now_ms } = even({ [PRIMARY]: 10 })
    all.began(200)
    expect(all.underWay(PRIMARY, now_ms)).toBeGreaterThan(190)
  })
  it('may be those of a target that has shut, for every other one', () => {
    const { all, now_ms } = even({ [PRIMARY]: 9, [FALLBACK]: 1 })
    all.left(PRIMARY, now_ms)
    for (let i = 0; i < 100; i++) all.began(1)
    expect(all.underWay(FALLBACK, now_ms + 100)).toBeCloseTo(100, 0)
    expect(all.underWay(OTHER, now_ms + 100)).toBeGreaterThan(80)
    // Each that is heard of is one less.
    for (let i = 0; i < 30; i++) all.heard(FALLBACK, now_ms + 200)
    expect(all.underWay(FALLBACK, now_ms + 200)).toBeCloseTo(70, 0)
  })
  it('are few where the one that has shut had few', () => {
    const { all, now_ms } = even({ [PRIMARY]: 9, [FALLBACK]: 1 })
    all.left(FALLBACK, now_ms)
    all.began(20)
    for (let i = 0; i < 18; i++) all.heard(OTHER, now_ms)
    expect(all.underWay(PRIMARY, now_ms + 100)).toBeGreaterThan(0)
    expect(all.underWay(OTHER, now_ms + 100)).toBe(0)
  })
  it('come back with the target to which they used to go', () => {
    const { all, now_ms } = even({ [PRIMARY]: 9, [FALLBACK]: 1 })
    all.left(PRIMARY, now_ms)
    all.back(PRIMARY, now_ms + 60_000)
    all.began(100)
    expect(all.underWay(PRIMARY, now_ms + 60_000)).toBeGreaterThan(80)
  })
  it('are settled once half of them were heard of in calm, or after twenty seconds', () => {
    const moved = () => {
      const { all, now_ms } = even({ [PRIMARY]: 9, [FALLBACK]: 1 })
      all.left(PRIMARY, now_ms)
      all.began(10)
      return { all, now_ms }
    }
    const early = moved()
    early.all.heard(FALLBACK, early.now_ms)
    early.all.calm(FALLBACK)
    expect(early.all.underWay(FALLBACK, early.now_ms)).toBeGreaterThan(0)
    for (let i = 0; i < 4; i++) early.all.heard(FALLBACK, early.now_ms)
    early.all.calm(FALLBACK)
    expect(early.all.underWay(FALLBACK, early.now_ms)).toBeLessThan(1)
    const late = moved()
    for (let i = 0; i < 10; i++) late.all.heard(PRIMARY, late.now_ms + 19_999)
    expect(late.all.underWay(FALLBACK, late.now_ms + 19_999)).toBeGreaterThan(0)
    expect(late.all.underWay(FALLBACK, late.now_ms + 20_000)).toBe(0)
  })
})

describe('a target that takes over from one that has shut', () => {
  /** Two hundred a second go to the primary, which then fails; a hundredth of those that go over fail at the fallback too. */
  function taken(fails: (n: number) => boolean) {
    const known = fleet()
    let now_ms = START
    const tell = (target: string, kind: 'ok' | 'server', org: string) => known.observe(outcome(kind, now_ms, { target, org }), now_ms, draw)
    for (let n = 0; n < 4_000; n++) {
      now_ms += 5
      known.began(1)
      tell(n % 100 === 0 ? FALLBACK : PRIMARY, 'ok', `org-${n % 10}`)
    }
    for (let n = 0; known.gates.get(PRIMARY)?.state !== 'open'; n++) {
      now_ms += 5
      known.began(1)
      tell(PRIMARY, 'server', `org-${n % 10}`)
    }
    // What begins there now fails at once, or is answered in two seconds.
    for (let n = 0; n < 390; n++) {
      now_ms += 5
      known.began(1)
      if (fails(n)) tell(FALLBACK, 'server', `org-${n % 10}`)
    }
    return known.gates.get(FALLBACK)?.state
  }
  it('is not shut for the few that fail as ever, of which is heard before any answer', () => {
    expect(taken(n => n % 50 === 0)).toBe('closed')
  })
  it('is shut where it fails them all, or half of them', () => {
    expect(taken(() => true)).toBe('open')
    expect(taken(n => n % 2 === 0)).toBe('open')
  })
})
