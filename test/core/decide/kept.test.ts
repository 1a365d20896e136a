import { describe, expect, it } from 'vitest'
import { decide } from '../../../worker/core/decide/decide.ts'
import { keptDecision, recordFrom } from '../../../worker/core/decide/kept.ts'
import type { DecisionRecord, KeptDecision, PlanStep } from '../../../worker/schema/decision.ts'
import { chat, FEATURES, featuresWith, HEALTHY, worldWith } from './small-world.ts'

function decided(features = FEATURES, world = worldWith()): DecisionRecord {
  const decision = decide(chat(), features, world)
  if (!decision.ok) throw new Error(decision.error.code)
  return decision.value
}

const read = (record: DecisionRecord, { shared, own }: KeptDecision) =>
  recordFrom({ ...record, planned_target: record.chosen }, shared && JSON.parse(shared.json), JSON.parse(own))

describe('a decision that is kept', () => {
  const shut = { ...HEALTHY, state: 'isolated' } as const
  const id = decided().chosen
  const recorded: [string, DecisionRecord][] = [
    ['is read as it was', decided()],
    [
      'with every feature',
      decided(featuresWith({ max_output_tokens: 7, personal_data: ['email', 'card'], input_modalities: ['text', 'image'] })),
    ],
    ['with a target that is shut', decided(FEATURES, worldWith({ health: { [id]: shut } }))],
    [
      'with a rule that reweighs',
      decided(
        FEATURES,
        worldWith({
          policy: {
            rules: [{ name: 'a "quoted" name', when: 'true', do: { reweigh: { quality: 9, cost: 1, latency: 0, energy: 0 } } }],
          },
        }),
      ),
    ],
    ['with losses, failed rules, shadows, a probe and a lateness', withEverything(decided())],
    [
      'with a price that nobody knows',
      { ...decided(), scores: decided().scores.map(score => ({ ...score, cost_micros: null, energy_wh: null })) },
    ],
  ]
  it.each(recorded)('%s', (_, record) => {
    expect(read(record, keptDecision(record))).toEqual(record)
  })

  it('keeps what many share once: the same object for the next decision of the same policy', () => {
    const world = worldWith()
    const [one, two] = [keptDecision(decided(FEATURES, world)), keptDecision(decided(FEATURES, world))]
    expect(one.shared).not.toBe(null)
    expect(two.shared).toBe(one.shared)
    expect(one.own).not.toContain('refused')
  })

  it('shares the course of its plan with others, and says its own where that differs', () => {
    const world = worldWith()
    const [one, two] = [decided(FEATURES, world), decided(FEATURES, world)]
    const hurried = { ...two, plan: { ...two.plan, total_ms: 1_000 } }
    expect(keptDecision(one).own).not.toContain('total_ms')
    const kept = keptDecision(hurried)
    expect(kept.shared).toBe(keptDecision(one).shared)
    expect(read(hurried, kept).plan.total_ms).toBe(1_000)
  })

  it('names each target once', () => {
    const record = decided()
    const { target } = record.plan.steps[0] as PlanStep
    expect(keptDecision(record).own.split(target)).toHaveLength(2)
  })

  it('reads targets of the plan and the front as older versions wrote them, by their ids', () => {
    const record = decided()
    const { shared, own } = keptDecision(record)
    const { front, steps, ...others } = JSON.parse(own)
    const named = {
      front: record.front,
      steps: steps.map(([, ...values]: unknown[], i: number) => [record.plan.steps[i]?.target, ...values]),
    }
    expect(read(record, { shared, own: JSON.stringify({ ...others, ...named }) })).toEqual(record)
  })

  it('shares nothing where its refusals are its own', () => {
    const { shared, own } = keptDecision(decided(FEATURES, worldWith({ health: { [id]: shut } })))
    expect(shared).toBe(null)
    expect(own).toContain('"isolated"')
  })

  it('is JSON whatever the numbers are: what is not a number is null', () => {
    const record = decided()
    const broken = { ...record, draw: Number.NaN, scores: record.scores.map(score => ({ ...score, latency_ms: Number.POSITIVE_INFINITY })) }
    expect(read(broken, keptDecision(broken))).toMatchObject({
      draw: null,
      scores: [{ latency_ms: null }, {}, {}].slice(0, record.scores.length),
    })
  })
})

function withEverything(record: DecisionRecord): DecisionRecord {
  const [first, ...others] = record.plan.steps
  if (!first) throw new Error('a plan has a first step')
  return {
    ...record,
    endpoint: 'embeddings',
    energy: { wh: 0.2, co2e_g: null, confidence: 'guess' },
    stay: { target: first.target, age_ms: 1_000, cached_tokens: 500, margin: 0.1 },
    health_age_ms: null,
    losses: [{ field: 'logit_bias', how: 'dropped' }],
    rule_errors: [{ rule: 'one', message: 'no such "key"' }],
    front: [...record.front, 'not-kept/of-the-front'],
    plan: { ...record.plan, steps: [{ ...first, late_ms: 900, probe: true }, ...others], shadows: ['demo/shadow'], panic: true },
  }
}
