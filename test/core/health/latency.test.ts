import { describe, expect, it } from 'vitest'
import { type Latency, newLatency } from '../../../worker/core/health/latency.ts'
import { random, START } from './outcomes.ts'
import { latencyNow, measured } from './usual.ts'

/** Log-normal times to first token, as measured on real providers: sigma .8, and one in fifty 5 to 15 times as long. */
function sampler(seed: number, median_ms: number) {
  const draw = random(seed)
  return () => {
    const normal = Math.sqrt(-2 * Math.log(draw() || 1e-9)) * Math.cos(2 * Math.PI * draw())
    return median_ms * Math.exp(0.8 * normal) * (draw() < 0.02 ? 5 + 10 * draw() : 1)
  }
}

function fed(latency: Latency, next: () => number, samples: number, from_ms = START, every_ms = 500): Latency {
  let current = latency
  for (let i = 0; i < samples; i++)
    current = measured(current, { size: 's', first_token_ms: next(), tokens_per_second: null }, from_ms + i * every_ms)
  return current
}

describe('the time to first token', () => {
  it('is kept for each size of prompt apart', () => {
    const latency = measured(newLatency(), { size: 'l', first_token_ms: 900, tokens_per_second: 50 }, START)
    expect(latencyNow(latency, START)).toMatchObject({
      ln_first_token_ms: { s: null, m: null, l: Math.log(900), xl: null },
      ln_tokens_per_second: Math.log(50),
      slow: false,
    })
  })
  it('ranks 600 before 900 ms, tails and all', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const fast = latencyNow(fed(newLatency(), sampler(seed, 600), 200), START + 100_000).ln_first_token_ms.s as number
      const slow = latencyNow(fed(newLatency(), sampler(seed + 1_000, 900), 200), START + 100_000).ln_first_token_ms.s as number
      expect(fast).toBeLessThan(slow)
    }
  })
  it('forgets: after ten minutes one sample says more than a hundred old ones', () => {
    const old = fed(newLatency(), () => 5_000, 100)
    const now = measured(old, { size: 's', first_token_ms: 500, tokens_per_second: null }, START + 50_000 + 600_000)
    expect(latencyNow(now, START + 650_000).ln_first_token_ms.s).toBeCloseTo(Math.log(500), 0)
  })
  it('fades when nobody asks the target any more, so that it is tried again', () => {
    const busy = fed(newLatency(), () => 5_000, 20, START, 500)
    expect(latencyNow(busy, START + 60_000).ln_first_token_ms.s).toBeCloseTo(Math.log(5_000))
    expect(latencyNow(busy, START + 900_000).ln_first_token_ms.s).toBeNull()
  })
  it.each([null, 0, -5, Number.NaN, Number.POSITIVE_INFINITY])('%s is no sample', first_token_ms => {
    expect(measured(newLatency(), { size: 's', first_token_ms, tokens_per_second: first_token_ms }, START)).toEqual(newLatency())
  })
  it('does not break when the clock goes back', () => {
    const latency = measured(
      fed(newLatency(), () => 500, 20),
      { size: 's', first_token_ms: 500, tokens_per_second: 9 },
      5,
    )
    expect(Number.isFinite(latencyNow(latency, 5).ln_first_token_ms.s)).toBe(true)
  })
})

describe('slow', () => {
  it('fades too: three minutes after the last sample a slow target counts as one that may be well', () => {
    const slow = fed(fed(newLatency(), sampler(1, 600), 300), () => 60_000, 30, START + 150_000)
    expect(latencyNow(slow, START + 165_000).slow).toBe(true)
    expect(latencyNow(slow, START + 165_000 + 180_000).slow).toBe(false)
  })
  it('is noticed within about ten samples of a three-fold slow-down, and ends within as many of its end', () => {
    const taken: number[] = []
    const ended: number[] = []
    for (let seed = 1; seed <= 200; seed++) {
      let latency = fed(newLatency(), sampler(seed, 600), 300)
      const slow = sampler(seed + 5_000, 1_800)
      let samples = 0
      while (!latency.slow && samples < 200) latency = fed(latency, slow, 1, START + 150_000 + 500 * samples++)
      taken.push(samples)
      const well = sampler(seed + 9_000, 600)
      samples = 0
      while (latency.slow && samples < 200) latency = fed(latency, well, 1, START + 300_000 + 500 * samples++)
      ended.push(samples)
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number
    expect(median(taken)).toBeLessThanOrEqual(12)
    expect(median(ended)).toBeLessThanOrEqual(12)
  })
  it('is seldom said of a target that is as ever', () => {
    let latency = newLatency()
    let slow = 0
    const next = sampler(3, 600)
    for (let i = 0; i < 100_000; i++) {
      latency = measured(latency, { size: 's', first_token_ms: next(), tokens_per_second: null }, START + i * 500)
      if (latency.slow) slow++
    }
    expect(slow / 100_000).toBeLessThan(0.002)
  })
  it('is nothing before there is anything to compare with', () => {
    expect(fed(newLatency(), () => 60_000, 10).slow).toBe(false)
  })
})

describe('a call that was closed while it waited', () => {
  const outrun = (latency: Latency, waited_ms: number, at_ms: number) =>
    measured(latency, { size: 's', first_token_ms: null, waited_ms, tokens_per_second: null }, at_ms)
  /** Hedged after 1.7 s, which one call in ten does not make: what would have come later is only known to be later. */
  const hedged = (seed: number, median_ms: number, tells: boolean) => {
    const next = sampler(seed, median_ms)
    let latency = fed(newLatency(), sampler(seed + 500, 600), 200)
    for (let i = 0; i < 400; i++) {
      const at_ms = START + 100_000 + i * 500
      const value = next()
      if (value < 1_700) latency = measured(latency, { size: 's', first_token_ms: value, tokens_per_second: null }, at_ms)
      else if (tells) latency = outrun(latency, 1_700, at_ms)
    }
    return latencyNow(latency, START + 300_000)
  }
  const overMany = (median_ms: number, tells: boolean) => {
    let sum = 0
    for (let seed = 1; seed <= 50; seed++) sum += hedged(seed, median_ms, tells).ln_first_token_ms.s as number
    return Math.exp(sum / 50)
  }
  it('counts as slow as such calls are: a hedged target does not look faster than it is', () => {
    expect(overMany(600, true) / 600).toBeGreaterThan(0.92)
    expect(overMany(600, true) / 600).toBeLessThan(1.15)
    expect(overMany(600, false) / 600).toBeLessThan(0.92)
  })
  it('shows that a target has become slow, though none of its slow answers is seen', () => {
    let latency = fed(newLatency(), sampler(1, 600), 300)
    for (let i = 0; i < 20; i++) latency = outrun(latency, 3_000, START + 150_000 + i * 500)
    expect(latency.slow).toBe(true)
  })
  it('says nothing where it waited less than is usual', () => {
    const known = fed(newLatency(), () => 600, 50)
    const after = outrun(known, 200, START + 30_000)
    expect(after.ln_first_token).toEqual(known.ln_first_token)
    expect(after.slowness).toBe(known.slowness)
  })
  it('says nothing of a target that is not known yet', () =>
    expect(latencyNow(outrun(newLatency(), 5_000, START), START).ln_first_token_ms.s).toBeNull())
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%s is no wait', waited_ms =>
    expect(outrun(newLatency(), waited_ms, START)).toEqual(newLatency()),
  )
})
