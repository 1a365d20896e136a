import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide } from '../../../worker/core/decide/decide.ts'
import type { ChatRequest } from '../../../worker/schema/chat.ts'
import type { DecisionRecord } from '../../../worker/schema/decision.ts'
import type { Features } from '../../../worker/schema/features.ts'
import { callerWith, catalogueOf, chat, FEATURES, featuresWith, NOW_MS, type WorldFacts, worldWith } from './small-world.ts'

type Given = WorldFacts & { features?: Partial<Features>; request?: Partial<ChatRequest>; scores_kept?: number }

const attempt = ({ features = {}, request = {}, scores_kept, ...world }: Given) =>
  decide(chat(request), featuresWith(features), worldWith(world), scores_kept)

function decided(given: Given = {}): DecisionRecord {
  const result = attempt(given)
  if (!result.ok) throw new Error(`${result.error.code}: ${JSON.stringify(result.error.record.refused)}`)
  return result.value
}

const CHEAP = { objective: { cost: 1 } }
const EASY = { difficulty: 0.05 }
const HARD = { difficulty: 0.95 }
const BALANCED = { objective: { quality: 1.5, cost: 1 } }
const ALL_OPEN = Object.fromEntries(
  ['north/strong', 'north/middle', 'south/weak'].map((id, i) => [id, { state: 'open' as const, until_ms: NOW_MS + 1_000 * (3 - i) }]),
)

describe('the choice', () => {
  it('follows what the policy weighs', () => {
    expect(decided().chosen).toBe('north/strong')
    expect(decided({ policy: CHEAP }).chosen).toBe('south/weak')
  })
  it('sends easy prompts to the cheap and hard ones to the strong, under one and the same weights', () => {
    expect(decided({ policy: BALANCED, features: EASY }).chosen).toBe('south/weak')
    expect(decided({ policy: BALANCED, features: HARD }).chosen).toBe('north/strong')
  })
  it('is the same a thousand times', () => {
    const first = JSON.stringify(decided({ policy: { ...BALANCED, explore: 0.2 } }))
    for (let i = 0; i < 1_000; i++) expect(JSON.stringify(decided({ policy: { ...BALANCED, explore: 0.2 } }))).toBe(first)
  })
  it('is within what the caller named', () => {
    expect(decided({ request: { model: 'weak' } })).toMatchObject({ chosen: 'south/weak', chosen_by: 'pinned', propensity: 1 })
    expect(decided({ policy: { groups: { small: ['*/weak', '*/middle'] } }, request: { model: 'small' } })).toMatchObject({
      chosen: 'north/middle',
      chosen_by: 'best',
    })
  })
  it('goes on asking a target that fails now and then: only its gate takes it out, because only the gate finds out when it is well again', () => {
    expect(decided({ health: { 'north/strong': { error_rate: 0.6, samples: 20 } } }).chosen).toBe('north/strong')
  })
  it('takes a little off a target that has become slow', () => {
    const penalty = decided({ health: { 'north/strong': { slow: true } } }).scores.find(each => each.target === 'north/strong')?.penalty
    expect(penalty).toBe(0.1)
  })
  it('takes off as much as the policy says, so that it may cost the choice or nothing', () => {
    const slow = { health: { 'north/strong': { slow: true } } }
    const chosen = decided({ ...slow, policy: { slow_penalty: 1 } })
    expect(chosen.chosen).not.toBe('north/strong')
    expect(chosen.scores.find(each => each.target === 'north/strong')?.penalty).toBe(1)
    expect(decided({ ...slow, policy: { slow_penalty: 0 } }).scores.find(each => each.target === 'north/strong')?.penalty).toBe(0)
  })
  it('prefers what was measured to be fast over what was said to be', () => {
    const fast = { objective: { latency: 1 } }
    const slow = { ln_first_token_ms: { s: Math.log(20_000), m: null, l: null, xl: null } }
    expect(decided({ policy: fast, health: { 'north/strong': slow, 'north/middle': slow } }).chosen).toBe('south/weak')
  })
  it('shares equal targets by the draw', () => {
    const twins = catalogueOf([{ id: 'north' }, { id: 'south' }], [{ id: 'north/twin' }, { id: 'south/twin' }])
    const chosen = Array.from({ length: 200 }, (_, i) => decided({ catalogue: twins, draw: i / 200 }))
    const north = chosen.filter(record => record.chosen === 'north/twin').length
    expect(north).toBeGreaterThan(70)
    expect(north).toBeLessThan(130)
    expect(chosen[0]?.propensity).toBe(0.5)
  })
  it('of quality does not change when a bad target joins', () => {
    const order = (extra: boolean) =>
      decided({
        policy: BALANCED,
        catalogue: catalogueOf(
          [{ id: 'p' }],
          [
            { id: 'p/a', quality: 0.8, input_usd: 3 },
            { id: 'p/b', quality: 0.6 },
            ...(extra ? [{ id: 'p/bad', quality: 0.1, input_usd: 60, output_usd: 99 }] : []),
          ],
        ),
      }).scores.filter(score => score.target !== 'p/bad')
    expect(order(true)).toEqual(order(false))
  })
})

describe('an unknown fact', () => {
  const unknown = catalogueOf(
    [{ id: 'p' }],
    [
      { id: 'p/priced', input_usd: 50, output_usd: 90 },
      { id: 'p/unpriced', input_usd: null, output_usd: null, params_b: null },
    ],
  )
  it('is never taken for free', () => expect(decided({ catalogue: unknown, policy: CHEAP }).chosen).toBe('p/priced'))
  it('stays unknown in the record', () => {
    expect(decided({ catalogue: unknown }).scores.find(each => each.target === 'p/unpriced')).toMatchObject({
      cost_micros: null,
      energy_wh: null,
      cost_score: 0,
      energy_score: 0,
    })
  })
})

describe('a rule', () => {
  const rule = (action: Record<string, unknown>, when = 'true', more = {}) => ({ name: 'r', when, do: action, ...more })
  const under = (...rules: object[]): Given => ({ policy: { rules } })

  it('that does not match does nothing', () => {
    expect(decided(under(rule({ pin: 'south/weak' }, 'difficulty > 0.9')))).toMatchObject({ chosen: 'north/strong', rules: [] })
  })
  it('may narrow', () =>
    expect(decided(under(rule({ narrow: ['south/*'] })))).toMatchObject({ chosen: 'south/weak', eligible: 1, rules: ['r'] }))
  it('may require', () => expect(decided(under(rule({ require: { regions: ['eu'] } }))).chosen).toBe('south/weak'))
  it('may reweigh', () =>
    expect(decided(under(rule({ reweigh: { cost: 1 } })))).toMatchObject({ chosen: 'south/weak', objective: { quality: 0, cost: 1 } }))
  it('may pin the first choice, with the others behind it', () => {
    const record = decided(under(rule({ pin: 'south/weak' })))
    expect(record).toMatchObject({ chosen: 'south/weak', chosen_by: 'pinned', propensity: 1 })
    expect(record.plan.steps.map(step => step.target)).toEqual(['south/weak', 'north/strong', 'north/middle'])
  })
  it('that pins what may not answer leaves the choice to the scores', () => {
    expect(decided({ ...under(rule({ pin: 'south/weak' })), health: { 'south/weak': { state: 'isolated' } } })).toMatchObject({
      chosen: 'north/strong',
      chosen_by: 'best',
    })
  })
  it('may refuse', () => {
    expect(attempt(under(rule({ refuse: 'no cards here' })))).toMatchObject({
      ok: false,
      error: { code: 'refused_by_policy', rule: 'r', message: 'no cards here' },
    })
  })
  it('that is last ends the rules', () => {
    expect(
      decided(under(rule({ pin: 'south/weak' }, 'true', { last: true }), { name: 'later', when: 'true', do: { refuse: 'never' } })).rules,
    ).toEqual(['r'])
  })
  it('below another wins over it', () => {
    expect(decided(under(rule({ pin: 'south/weak' }), { ...rule({ pin: 'north/middle' }), name: 'special' })).chosen).toBe('north/middle')
  })
  it('that fails at run time does not match, and is recorded', () => {
    const record = decided(under(rule({ refuse: 'never' }, 'personal_data[0] == "card"')))
    expect(record.rules).toEqual([])
    expect(record.rule_errors).toEqual([{ rule: 'r', message: expect.stringContaining('index') }])
  })
  it('may shadow a share of requests, to a target that does not answer', () => {
    const shadowed = (share: number, to = 'south/weak') => decided(under(rule({ shadow: { to, share } }))).plan.shadows
    expect(shadowed(1)).toEqual(['south/weak'])
    expect(shadowed(0)).toEqual([])
    expect(shadowed(1, 'north/strong')).toEqual([])
  })
  it('never shadows to who may not see the request', () => {
    expect(
      decided({ policy: { require: { regions: ['us'] }, rules: [rule({ shadow: { to: 'south/weak', share: 1 } })] } }).plan.shadows,
    ).toEqual([])
  })
})

describe('a split', () => {
  const split = {
    policy: {
      rules: [
        {
          name: 's',
          when: 'true',
          do: {
            split: [
              { to: 'north/*', weight: 3 },
              { to: 'south/*', weight: 1 },
            ],
          },
        },
      ],
    },
  }
  it.each([
    [0, 'north/strong', 0.75],
    [0.7499, 'north/strong', 0.75],
    [0.75, 'south/weak', 0.25],
    [0.9999, 'south/weak', 0.25],
  ])('at draw %f goes to %s', (draw, chosen, propensity) => {
    expect(decided({ ...split, draw })).toMatchObject({ chosen, chosen_by: 'split', propensity })
  })
  it('gives the share of an arm that is out to the others', () => {
    expect(decided({ ...split, draw: 0.9, health: { 'south/weak': { state: 'isolated' } } })).toMatchObject({
      chosen: 'north/strong',
      propensity: 1,
    })
  })
})

describe('exploration', () => {
  const exploring = { policy: { explore: 0.2 } }
  it('leaves the best its share', () =>
    expect(decided({ ...exploring, draw: 0.2 })).toMatchObject({ chosen: 'north/strong', chosen_by: 'best', propensity: 0.8 }))
  it('reaches the others, more often the better ones, with the probability it says', () => {
    const draws = 2_000
    const seen = new Map<string, { times: number; propensity: number }>()
    for (let i = 0; i < draws; i++) {
      const { chosen, propensity } = decided({ ...exploring, draw: (i + 0.5) / draws })
      seen.set(chosen, { times: (seen.get(chosen)?.times ?? 0) + 1, propensity })
    }
    for (const { times, propensity } of seen.values()) expect(times / draws).toBeCloseTo(propensity, 2)
    expect([...seen.values()].reduce((sum, each) => sum + each.propensity, 0)).toBeCloseTo(1, 3)
    expect(seen.get('north/middle')?.times).toBeGreaterThan(seen.get('south/weak')?.times ?? 0)
  })
  it('never leaves what the caller named', () => {
    expect(decided({ ...exploring, draw: 0, request: { model: 'north/middle' } })).toMatchObject({ chosen: 'north/middle', propensity: 1 })
  })
  it('never leaves what the constraints allow', () => {
    expect(decided({ policy: { explore: 0.5, require: { regions: ['eu'] } }, draw: 0 }).chosen).toBe('south/weak')
  })
})

describe('a recovering target', () => {
  const ramping = (ramp_share: number) => ({ health: { 'north/strong': { state: 'ramp' as const, ramp_share } } })
  it('gets its share of requests, with the probability it says', () => {
    const draws = 4_000
    const records = Array.from({ length: draws }, (_, i) => decided({ ...ramping(0.3), draw: (i + 0.5) / draws }))
    const there = records.filter(record => record.chosen === 'north/strong')
    expect(there.length / draws).toBeCloseTo(0.3, 1)
    expect(there[0]?.propensity).toBe(0.3)
    expect(records.find(record => record.chosen === 'north/middle')?.propensity).toBe(0.7)
  })
  it('takes every request where nobody else may', () => {
    expect(decided({ ...ramping(0.01), request: { model: 'north/strong' } })).toMatchObject({ chosen: 'north/strong', eligible: 1 })
  })
})

describe('when every target that may answer is shut', () => {
  it('openness is ignored, and the one due soonest goes first', () => {
    const record = decided({ health: ALL_OPEN })
    expect(record).toMatchObject({ chosen: 'south/weak', chosen_by: 'panic', plan: { panic: true } })
    expect(record.plan.steps.map(step => step.target)).toEqual(['south/weak', 'north/middle', 'north/strong'])
    expect(record.refused).toEqual([])
  })
  it('what the constraints refuse stays refused', () => {
    expect(decided({ health: ALL_OPEN, policy: { require: { regions: ['us'] } } }).plan.steps.map(step => step.target)).toEqual([
      'north/middle',
      'north/strong',
    ])
  })
  it('what was taken out by hand or refuses our credential stays out', () => {
    const health = { ...ALL_OPEN, 'south/weak': { state: 'isolated' as const }, 'north/middle': { auth_broken_until_ms: NOW_MS + 1 } }
    expect(decided({ health })).toMatchObject({ chosen: 'north/strong', plan: { steps: [{ target: 'north/strong' }] } })
  })
  it('a last target that is only rate-limited is asked all the same', () => {
    expect(decided({ request: { model: 'south/weak' }, health: { 'south/weak': { limited_until_ms: NOW_MS + 1 } } })).toMatchObject({
      chosen: 'south/weak',
      chosen_by: 'panic',
    })
  })
  it('is told from one of them being well', () => {
    const { 'south/weak': _, ...others } = ALL_OPEN
    expect(decided({ health: others })).toMatchObject({ chosen: 'south/weak', chosen_by: 'best', plan: { panic: false } })
  })
})

describe('where nobody may answer', () => {
  it('each refusal is there with its reason', () => {
    const result = attempt({ policy: { require: { regions: ['mars'] } } })
    expect(result).toMatchObject({ ok: false, error: { code: 'no_eligible_target', record: { eligible: 0 } } })
    expect(!result.ok && result.error.record.refused).toEqual([
      {
        reason: 'region',
        need: 'mars',
        count: 3,
        targets: [
          { target: 'north/strong', have: 'us' },
          { target: 'north/middle', have: 'us' },
          { target: 'south/weak', have: 'eu' },
        ],
      },
    ])
  })
  it.each([
    ['an unknown model', { request: { model: 'nothing' } }, 'model_not_found'],
    ['a policy that is another than the one in force', { request: { model: 'policy/cheap' } }, 'model_not_found'],
    ['a policy the key may not use', { request: { model: 'policy/cheap' }, caller: callerWith({ policies: [] }) }, 'forbidden'],
    ['a model the key may not name', { request: { model: 'north/strong' }, caller: callerWith({ may_pin: false }) }, 'forbidden'],
  ])('%s is told apart', (_, given, code) => expect(attempt(given)).toMatchObject({ ok: false, error: { code } }))
})

describe('the plan', () => {
  const many = catalogueOf(
    [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
    [
      { id: 'a/one', quality: 0.8 },
      { id: 'a/two', quality: 0.79 },
      { id: 'b/one', quality: 0.75 },
      { id: 'c/poor', quality: 0.2 },
    ],
  )
  const steps = (given: Given = {}) => decided({ catalogue: many, ...given }).plan.steps.map(step => step.target)

  it('goes to another provider after the first, where that costs little', () => expect(steps().slice(0, 2)).toEqual(['a/one', 'b/one']))
  it('goes to a neighbour rather than to a much worse target elsewhere', () => expect(steps()[2]).toBe('a/two'))
  it('has as many steps as there may be attempts', () => expect(steps({ policy: { limits: { attempts: 2 } } })).toHaveLength(2))
  it('never holds a target twice, nor one that may not answer', () => {
    void fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.subarray(['a/one', 'a/two', 'b/one', 'c/poor']),
        fc.double({ min: 0.001, max: 0.5, noNaN: true }),
        (draw, isolated, explore) => {
          const result = attempt({
            catalogue: many,
            draw,
            policy: { explore, limits: { attempts: 5 } },
            health: Object.fromEntries(isolated.map(id => [id, { state: 'isolated' as const }])),
          })
          if (!result.ok) return isolated.length === 4
          const targets = result.value.plan.steps.map(step => step.target)
          return (
            new Set(targets).size === targets.length &&
            targets.every(target => !isolated.includes(target)) &&
            targets[0] === result.value.chosen &&
            result.value.propensity > 0 &&
            result.value.propensity <= 1
          )
        },
      ),
    )
  })
  it('bounds a stream as the policy says', () => {
    expect(decided({ request: { stream: true } }).plan.steps[0]).toEqual({
      target: 'north/strong',
      headers_ms: 30_000,
      first_token_ms: 12_000,
      idle_ms: 15_000,
    })
  })
  it('gives a target that is known to think for long twice its usual time to the first token of a stream', () => {
    const thinking = catalogueOf([{ id: 'p' }], [{ id: 'p/thinker', first_token_ms: 20_000 }])
    expect(decided({ catalogue: thinking, request: { stream: true } }).plan.steps[0]).toMatchObject({
      first_token_ms: 40_000,
      headers_ms: 40_000,
    })
  })
  it('waits for a whole answer three times as long as predicted, and never beyond the total', () => {
    // 500 ms to the first token and 400 tokens at 80 a second: 5.5 s.
    expect(decided().plan.steps[0]).toMatchObject({ headers_ms: 12_000 + 3 * 5_500 })
    expect(decided({ policy: { limits: { total_ms: 20_000 } } }).plan.steps[0]).toMatchObject({ headers_ms: 20_000 })
    expect(decided({ policy: { limits: { total_ms: 10_000 } } }).plan.steps[0]).toMatchObject({ headers_ms: 12_000 })
  })
  it('marks the call that finds out whether a target answers again', () => {
    expect(decided({ health: { 'north/strong': { state: 'open', until_ms: NOW_MS } } }).plan.steps[0]).toMatchObject({
      target: 'north/strong',
      probe: true,
    })
    expect(decided().plan.steps[0]).not.toHaveProperty('probe')
  })
  describe('by whoever holds the lease for a target that it would fall back on', () => {
    const near = { objective: { quality: 1 } }
    const open = { 'north/middle': { state: 'open' as const, until_ms: NOW_MS } }
    const leased = new Set(['north/middle'])
    const close = catalogueOf(
      [{ id: 'north' }, { id: 'south' }],
      [
        { id: 'south/best', quality: 0.82 },
        { id: 'north/middle', quality: 0.8 },
      ],
    )
    const far = catalogueOf(
      [{ id: 'north' }, { id: 'south' }],
      [
        { id: 'south/best', quality: 0.95 },
        { id: 'north/middle', quality: 0.5 },
      ],
    )
    it('asks that one first, and says why', () => {
      const record = decided({ catalogue: close, policy: near, health: open, probes: leased })
      expect(record.plan.steps.map(({ target, probe }) => [target, probe])).toEqual([
        ['north/middle', true],
        ['south/best', undefined],
      ])
      expect(record).toMatchObject({ chosen: 'north/middle', chosen_by: 'probe', propensity: 1 })
    })
    it.each<[string, Given]>([
      ['not where that costs much in score', { catalogue: far, policy: near, health: open, probes: leased }],
      ['not without the lease', { catalogue: close, policy: near, health: open, probes: new Set() }],
      [
        'not against a rule that prefers another',
        {
          catalogue: close,
          policy: { ...near, rules: [{ name: 'r', when: 'true', do: { pin: 'south/*' } }] },
          health: open,
          probes: leased,
        },
      ],
    ])('%s', (_, given) => {
      expect(decided(given).chosen).toBe('south/best')
    })
  })
})

describe('a serverless target', () => {
  const sleepy = catalogueOf(
    [{ id: 'warm' }, { id: 'cold', readiness: 'serverless' }],
    [
      { id: 'warm/one', first_token_ms: 900 },
      { id: 'cold/one', first_token_ms: 300 },
    ],
  )
  const fast = { catalogue: sleepy, policy: { objective: { latency: 1 } } }
  it('is expected to sleep when it has been idle', () => {
    expect(decided({ ...fast, health: { 'cold/one': { last_ok_at_ms: NOW_MS - 3_600_000 } } }).chosen).toBe('warm/one')
  })
  it('is expected to be awake right after an answer', () => {
    expect(decided({ ...fast, health: { 'cold/one': { last_ok_at_ms: NOW_MS - 1_000 } } }).chosen).toBe('cold/one')
  })
})

describe('one decision after another', () => {
  const many = catalogueOf(
    Array.from({ length: 7 }, (_, i) => ({
      id: `p${i}`,
      regions: i % 2 ? ['eu'] : ['us'],
      readiness: i % 3 ? 'always_warm' : 'serverless',
    })),
    Array.from({ length: 40 }, (_, i) => ({
      id: `p${i % 7}/m${i}`,
      quality: 0.3 + (i % 5) / 10,
      input_usd: i % 6 ? 1 + (i % 4) : null,
      capability: { tools: i % 4 > 0, context_tokens: i % 3 ? 128_000 : 4_000 },
    })),
  )
  const states = ['closed', 'closed', 'closed', 'open', 'ramp', 'probing', 'isolated'] as const
  const given = fc.record({
    features: fc.record({ difficulty: fc.double({ min: 0, max: 1, noNaN: true }), prompt_tokens: fc.nat(9_000), tools: fc.nat(1) }),
    draw: fc.double({ min: 0, max: 0.999, noNaN: true }),
    request: fc.record({ model: fc.constantFrom('auto', 'auto', 'p1/m1', 'm8') }),
    health: fc.dictionary(
      fc.nat(39).map(i => `p${i % 7}/m${i}`),
      fc.record({
        state: fc.constantFrom(...states),
        ramp_share: fc.constantFrom(0, 0.3),
        slow: fc.boolean(),
        until_ms: fc.constantFrom(null, NOW_MS),
      }),
    ),
    policy: fc.constantFrom(BALANCED, { ...BALANCED, explore: 0.3 }, { require: { regions: ['eu'] } }, { limits: { attempts: 5 } }),
  })
  const text = (one: Given, catalogue: typeof many) => JSON.stringify(attempt({ ...one, catalogue }))

  it('is what it would have been alone', () => {
    void fc.assert(
      fc.property(fc.array(given, { minLength: 2, maxLength: 5 }), all => {
        const alone = all.map(one => text(one, { ...many }))
        expect(all.map(one => text(one, many))).toEqual(alone)
      }),
      { numRuns: 60 },
    )
  })
  it('plans the best of all, then the best of another provider unless that costs much', () => {
    void fc.assert(
      fc.property(given, one => {
        const result = attempt({ ...one, catalogue: many, scores_kept: 99, policy: { ...BALANCED, limits: { attempts: 3 } } })
        if (!result.ok || result.value.plan.panic) return
        const { scores, plan, chosen } = result.value
        expect(scores.map(score => score.total)).toEqual(scores.map(score => score.total).sort((a, b) => b - a))
        const [, second] = plan.steps
        const best = scores.find(score => score.target !== chosen)
        const other = scores.find(score => score.target.slice(0, 3) !== chosen.slice(0, 3))
        if (other && best && other.total > best.total - 0.07) expect(second?.target).toBe(other.target)
      }),
      { numRuns: 60 },
    )
  })
})

describe('the record', () => {
  const sixty = catalogueOf(
    Array.from({ length: 12 }, (_, i) => ({ id: `provider${i}`, regions: i % 2 ? ['eu'] : ['us'] })),
    Array.from({ length: 64 }, (_, i) => ({ id: `provider${i % 12}/model-name-${i}`, quality: 0.4 + i / 200 })),
  )
  it('stays below 4 kB over 64 targets, and below 5 kB with half of them refused', () => {
    expect(JSON.stringify(decided({ catalogue: sixty })).length).toBeLessThan(4_096)
    expect(JSON.stringify(decided({ catalogue: sixty, policy: { require: { regions: ['eu'] } } })).length).toBeLessThan(5_120)
  })
  it('keeps the best scores and the chosen one, and counts all', () => {
    const record = decided({
      catalogue: sixty,
      request: { model: 'auto' },
      policy: { rules: [{ name: 'p', when: 'true', do: { pin: 'provider0/model-name-0' } }] },
    })
    expect(record.scores).toHaveLength(6)
    expect(record.scores.map(score => score.target)).toContain('provider0/model-name-0')
    expect(record.eligible).toBe(64)
  })
  it('keeps more for a dry run', () => expect(decided({ catalogue: sixty, scores_kept: 20 }).scores).toHaveLength(20))
  it('names about forty refused targets, some of each reason, and counts all; for a dry run it names all', () => {
    const many = catalogueOf(
      [{ id: 'p' }, { id: 'z', regions: ['eu'] }],
      [
        ...Array.from({ length: 150 }, (_, i) => ({ id: `p/m${i}` })),
        ...Array.from({ length: 9 }, (_, i) => ({ id: `z/m${i}` })),
        { id: 'z/ok' },
      ],
    )
    const given = {
      catalogue: many,
      policy: { require: { regions: ['eu'] }, rules: [{ name: 'n', when: 'true', do: { narrow: ['z/ok'] } }] },
    }
    const named = (scores_kept?: number) =>
      decided({ ...given, scores_kept }).refused.map(({ reason, count, targets }) => [reason, count, targets.length])
    expect(named()).toEqual([
      ['region', 150, 40],
      ['narrowed_by_rule', 9, 3],
    ])
    expect(named(20)).toEqual([
      ['region', 150, 150],
      ['narrowed_by_rule', 9, 9],
    ])
  })
  it('says what is lost on the way to the chosen target', () => {
    const other = catalogueOf([{ id: 'p', dialect: 'anthropic-messages' }], [{ id: 'p/one' }])
    const losses = [{ field: 'logit_bias', how: 'dropped' as const }]
    expect(decided({ catalogue: other, codecs: new Set(['anthropic-messages']), losses: () => losses }).losses).toEqual(losses)
  })
  it('says what the chosen target refuses, and asks nobody who refuses nothing', () => {
    const picky = catalogueOf([{ id: 'p', refuses: ['temperature'] }], [{ id: 'p/one' }])
    const losses = [{ field: 'temperature', how: 'dropped' as const }]
    expect(decided({ catalogue: picky, losses: () => losses }).losses).toEqual(losses)
    const never = () => {
      throw new Error('asked')
    }
    expect(decided({ losses: never }).losses).toEqual([])
  })
  it('says how old the health was, and that there was none', () => {
    expect(decided({ health: { 'north/strong': {} } }).health_age_ms).toBe(1_000)
    expect(decided().health_age_ms).toBeNull()
  })
})

describe('vectors of different models', () => {
  const spaces = (...of: string[]) =>
    catalogueOf(
      [{ id: 'p' }, { id: 'q' }],
      of.map((space, i) => ({ id: `${i ? 'q' : 'p'}/m${i}`, space, aliases: ['m'] })),
    )
  const undecidedFor = (facts: WorldFacts, model = 'auto') => {
    const result = decide(chat({ model }), FEATURES, worldWith(facts))
    return result.ok ? null : result.error
  }
  it('are not chosen between: which of them must be said', () => {
    expect(undecidedFor({ catalogue: spaces('one', 'two') })).toMatchObject({ code: 'model_needed', near: ['p/m0', 'q/m1'] })
    expect(undecidedFor({ catalogue: spaces('one', 'two') }, 'p/m0')).toBeNull()
  })
  it('nor when only one of them is healthy today', () => {
    const health = { 'p/m0': { state: 'open' as const, until_ms: NOW_MS + 1 } }
    expect(undecidedFor({ catalogue: spaces('one', 'two'), health })?.code).toBe('model_needed')
  })
  it('unless a policy narrows them to one', () => {
    expect(undecidedFor({ catalogue: spaces('one', 'two'), policy: { targets: ['q/*'] } })).toBeNull()
  })
  it('of the same model are, wherever it is served', () => expect(undecidedFor({ catalogue: spaces('one', 'one') })).toBeNull())
})

describe('what an endpoint asks beyond the features', () => {
  it('is asked of every target, and bounds the window by the longest input alone', () => {
    const asks = {
      endpoint: 'embeddings' as const,
      output: 'text' as const,
      window_tokens: 10,
      suits: ({ id }: { id: string }) => (id === 'north/strong' ? { reason: 'dimensions' as const, need: 3 } : null),
    }
    const result = decide(chat(), { ...FEATURES, prompt_tokens: 10_000_000 }, worldWith({ asks }))
    if (!result.ok) throw new Error('undecided')
    expect(result.value.refused).toEqual([{ reason: 'dimensions', need: 3, count: 1, targets: [{ target: 'north/strong' }] }])
  })
  it('may be another kind of answer', () => {
    const asks = { endpoint: 'images' as const, output: 'image' as const, window_tokens: 10, suits: () => null }
    const result = decide(chat(), FEATURES, worldWith({ asks }))
    expect(result.ok ? null : result.error.record.refused[0]).toMatchObject({ reason: 'output_modality', need: 'image', count: 3 })
  })
  it('is in the record, and of a chat nothing is', () => {
    const asks = { endpoint: 'rerank' as const, output: 'text' as const, window_tokens: 10, suits: () => null }
    const ranked = decide(chat(), FEATURES, worldWith({ asks }))
    const talked = decide(chat(), FEATURES, worldWith({}))
    expect([ranked.ok && ranked.value.endpoint, talked.ok && 'endpoint' in talked.value]).toEqual(['rerank', false])
  })
})
