import { describe, expect, it } from 'vitest'
import { outcome, START } from './outcomes.ts'
import { fleet, healthOf, mergeHealth, STALE_MS } from './usual.ts'

const draw = () => 0.5
const failing = (known: ReturnType<typeof fleet>, target: string, times: number) => {
  for (let i = 0; i < times; i++) known.observe(outcome('server', START, { target }), START, draw)
}

describe('what is seen across gates', () => {
  it('takes back a failure that the same request met at another provider', () => {
    const known = fleet()
    for (const target of ['one/a', 'two/b']) known.observe(outcome('server', START, { target, decision_id: 'dec_x' }), START, draw)
    for (const gate of known.gates.values()) expect(gate.suspicion).toMatchObject({ fast: 0, slow: 0, row: 0 })
  })
  it('keeps it where the other is a neighbour at the same provider', () => {
    const known = fleet()
    for (const target of ['one/a', 'one/b']) known.observe(outcome('server', START, { target, decision_id: 'dec_x' }), START, draw)
    for (const gate of known.gates.values()) expect(gate.suspicion.row).toBe(1)
  })
  it('believes it in full once another target has answered the request', () => {
    const known = fleet()
    known.observe(outcome('ok', START, { target: 'one/a', org: 'b' }), START, draw)
    known.observe(outcome('server', START, { target: 'one/a', decision_id: 'dec_x' }), START, draw)
    const doubted = known.gates.get('one/a')?.suspicion.fast as number
    known.observe(outcome('ok', START, { target: 'two/b', decision_id: 'dec_x' }), START, draw)
    expect(known.gates.get('one/a')?.suspicion.fast).toBeGreaterThan(2 * doubted)
  })
  it('trusts the others of a provider less when two of it open together', () => {
    const known = fleet()
    for (const target of ['one/a', 'one/b']) failing(known, target, 4)
    failing(known, 'one/c', 2)
    failing(known, 'two/d', 2)
    const stateOf = (target: string) => known.gates.get(target)?.state
    expect([stateOf('one/a'), stateOf('one/b'), stateOf('one/c'), stateOf('two/d')]).toEqual(['open', 'open', 'open', 'closed'])
  })
})

describe('a lease', () => {
  it('that nobody uses goes to the next, and counts as nothing', () => {
    const known = fleet()
    failing(known, 'one/a', 5)
    const until_ms = known.gates.get('one/a')?.until_ms as number
    expect(known.grant('one/a', until_ms)).toBe(true)
    expect(known.grant('one/a', until_ms + 3_999)).toBe(false)
    expect(known.grant('one/a', until_ms + 4_000)).toBe(true)
    known.use('one/a', until_ms + 4_100)
    expect(known.grant('one/a', until_ms + 18_000)).toBe(false)
    const gate = known.gates.get('one/a')
    expect(gate && healthOf(gate, until_ms + 19_100).state).toBe('open')
  })
})

describe('a snapshot older than a minute', () => {
  it('lets half of the requests find out whether an open target still fails', () => {
    const known = fleet()
    failing(known, 'one/a', 5)
    const snapshot = known.snapshot(START)
    const stateAt = (now_ms: number) => mergeHealth(snapshot, new Map(), now_ms).targets['one/a']
    expect(stateAt(START + STALE_MS)?.state).toBe('open')
    expect(stateAt(START + STALE_MS + 1)).toMatchObject({ state: 'ramp', ramp_share: 0.5 })
  })
})
