import { describe, expect, it } from 'vitest'
import { decide } from '../../../worker/core/decide/decide.ts'
import type { Caller } from '../../../worker/schema/caller.ts'
import type { ChatRequest } from '../../../worker/schema/chat.ts'
import type { Features } from '../../../worker/schema/features.ts'
import type { TargetHealth } from '../../../worker/schema/health.ts'
import { CALLER, callerWith, catalogueOf, chat, featuresWith, NOW_MS, type WorldFacts, worldWith } from './small-world.ts'

type Facts = Parameters<typeof catalogueOf>[1][number]
type Terms = Omit<Parameters<typeof catalogueOf>[0][number], 'id'>

/** One target that may lack something, beside one at another provider that has everything. */
function refusalOf(
  given: {
    target?: Omit<Facts, 'id'>
    provider?: Terms
    features?: Partial<Features>
    request?: Partial<ChatRequest>
    caller?: Caller
  } & WorldFacts,
) {
  const { target, provider, features, request, ...world } = given
  const catalogue = catalogueOf(
    [
      { id: 'tested', ...provider },
      { id: 'other', regions: ['local'], retention_days: 0, certifications: ['SOC2'] },
    ],
    [
      { id: 'tested/one', ...target },
      {
        id: 'other/all',
        input_usd: 0,
        output_usd: 0,
        first_token_ms: 1,
        params_b: 0.1,
        quality: 0.99,
        capability: { input: ['text', 'image', 'audio'], context_tokens: 10_000_000, output_tokens: 1_000_000 },
      },
    ],
  )
  const decided = decide(chat(request), featuresWith(features ?? {}), worldWith({ catalogue, ...world }))
  const refused = decided.ok ? decided.value.refused : decided.error.record.refused
  const group = refused.find(each => each.targets.some(({ target }) => target === 'tested/one'))
  return group ? { reason: group.reason, need: group.need, have: group.targets.find(({ target }) => target === 'tested/one')?.have } : null
}

describe('a target is refused', () => {
  it.each([
    [
      'an image it cannot read',
      { target: { capability: { input: ['text'] } }, features: { input_modalities: ['text', 'image'] } },
      'modality',
      'image',
    ],
    ['speech it cannot give', { request: { extra: { modalities: ['text', 'audio'] } } }, 'output_modality', 'audio'],
    ['tools it cannot call', { target: { capability: { tools: false } }, features: { tools: 1 } }, 'tools', 'tools'],
    [
      'a schema it cannot promise',
      { target: { capability: { structured_output: 'json_object' } }, features: { output_form: 'json_schema' } },
      'structured_output',
      'json_schema',
    ],
    [
      'an object it cannot promise',
      { target: { capability: { structured_output: 'none' } }, features: { output_form: 'json_object' } },
      'structured_output',
      'json_object',
    ],
    ['a stream it cannot send', { target: { capability: { streaming: false } }, features: { streaming: true } }, 'streaming', 'stream'],
    ['log probabilities', { target: { capability: { logprobs: false } }, features: { logprobs: true } }, 'logprobs', 'logprobs'],
    ['two answers', { target: { capability: { choices: false } }, features: { choices: 2 } }, 'choices', 'more than one choice'],
    ['reasoning', { target: { capability: { reasoning: false } }, features: { reasoning_requested: true } }, 'reasoning', 'reasoning'],
  ] as const)('for %s', (_, given, reason, need) => {
    expect(refusalOf(given as unknown as Parameters<typeof refusalOf>[0])).toMatchObject({ reason, need })
  })

  it('where prompt and answer do not fit its window, the estimate taken a tenth higher', () => {
    const window = { target: { capability: { context_tokens: 1_500 } } }
    expect(refusalOf({ ...window, features: { prompt_tokens: 1_000, expected_output_tokens: 400 } })).toBeNull()
    expect(refusalOf({ ...window, features: { prompt_tokens: 1_001, expected_output_tokens: 400 } })).toEqual({
      reason: 'context_window',
      need: 1_502,
      have: 1_500,
    })
  })
  it('where the caller asks for more output than it can give', () => {
    expect(refusalOf({ features: { max_output_tokens: 16_001 } })).toEqual({ reason: 'output_limit', need: 16_001, have: 16_000 })
    expect(refusalOf({ features: { max_output_tokens: 16_000 } })).toBeNull()
  })
})

describe('a requirement', () => {
  const under = (need: Record<string, unknown>, given: Parameters<typeof refusalOf>[0] = {}) =>
    refusalOf({ ...given, policy: { require: need } })

  it('on regions holds for every region that may be used', () => {
    expect(under({ regions: ['eu'] }, { provider: { regions: ['eu', 'us'] } })).toEqual({ reason: 'region', need: 'eu', have: 'us' })
    expect(under({ regions: ['eu'] }, { provider: { regions: ['eu'] } })).toBeNull()
  })
  it('on regions is always met by the own machine', () =>
    expect(under({ regions: ['eu'] }, { provider: { regions: ['local'] } })).toBeNull())
  it.each([
    ['retention longer than allowed', { retention_days_at_most: 7 }, { retention_days: 30 }, 'retention', 30],
    ['retention nobody knows', { retention_days_at_most: 7 }, { retention_days: null }, 'retention', null],
    ['training', { no_training: true }, { trains_on_data: true }, 'training', true],
    ['training nobody knows', { no_training: true }, { trains_on_data: null }, 'training', null],
    ['a missing certification', { certifications: ['soc2'] }, { certifications: [] }, 'certification', undefined],
    ['readiness', { readiness: 'always_warm' }, { readiness: 'serverless' }, 'readiness', 'serverless'],
  ] as const)('is failed by %s', (_, need, provider, reason, have) => {
    expect(under(need, { provider: provider as unknown as Terms })).toMatchObject({ reason, have })
  })
  it('on certifications is met in any case of letters', () =>
    expect(under({ certifications: ['SOC2'] }, { provider: { certifications: ['soc2'] } })).toBeNull())
  it.each([
    ['a provider that is not listed', { providers: ['other'] }, 'provider'],
    ['a provider that is ruled out', { not_providers: ['tested'] }, 'provider'],
    ['a target that is not listed', { targets: ['other/*'] }, 'excluded'],
    ['a target that is ruled out', { not_targets: ['tested/*'] }, 'excluded'],
    ['a window that is too small', { context_tokens_at_least: 200_000 }, 'context_window'],
  ])('is failed by %s', (_, need, reason) => expect(under(need)).toMatchObject({ reason }))
  it('on quality compares the estimate for this request', () => {
    expect(under({ quality_at_least: 0.7 }, { target: { quality: 0.6 } })).toEqual({ reason: 'quality', need: 0.7, have: 0.6 })
    expect(under({ quality_at_least: 0.7 }, { target: { quality: 0.6 }, features: { difficulty: 0 } })).toBeNull()
  })
  it('on cost compares the estimate, and an unknown price fails it', () => {
    // 200 in at $1 and 400 out at $4 a million: 1,800 micro-dollars.
    expect(under({ cost_at_most_usd: 0.0018 })).toBeNull()
    expect(under({ cost_at_most_usd: 0.0017 })).toEqual({ reason: 'cost', need: 1_700, have: 1_800 })
    expect(under({ cost_at_most_usd: 10 }, { target: { output_usd: null } })).toEqual({ reason: 'cost', need: 10_000_000, have: null })
  })
  it('on the first token compares the estimate', () => {
    expect(under({ first_token_at_most_ms: 499 })).toEqual({ reason: 'latency', need: 499, have: 500 })
    expect(under({ first_token_at_most_ms: 500 })).toBeNull()
  })
  it('on energy compares the estimate, and an unknown size fails it', () => {
    expect(under({ energy_at_most_wh: 0.000_1 })).toMatchObject({ reason: 'energy' })
    expect(under({ energy_at_most_wh: 100 }, { target: { params_b: null } })).toEqual({ reason: 'energy', need: 100, have: null })
  })
  it('of a limit on cost is the same as of the policy', () => {
    expect(refusalOf({ policy: { limits: { cost_at_most_usd: 0.0001 } } })).toMatchObject({ reason: 'cost' })
  })
})

describe('what lies outside', () => {
  it('the policy is refused', () => expect(refusalOf({ policy: { targets: ['other/*'] } })).toMatchObject({ reason: 'not_in_policy' }))
  it('a rule that narrows is refused with its name', () => {
    expect(refusalOf({ policy: { rules: [{ name: 'only others', when: 'true', do: { narrow: ['other/*'] } }] } })).toMatchObject({
      reason: 'narrowed_by_rule',
      need: 'only others',
    })
  })
  it('a rule that requires is refused with what it required', () => {
    expect(refusalOf({ policy: { rules: [{ name: 'r', when: 'true', do: { require: { regions: ['eu'] } } }] } })).toMatchObject({
      reason: 'region',
      need: 'eu',
    })
  })
  it('what the caller named is refused', () =>
    expect(refusalOf({ request: { model: 'other/all' } })).toMatchObject({ reason: 'not_named' }))
  it("the key's targets is refused", () =>
    expect(refusalOf({ caller: callerWith({ targets: ['other/*'] }) })).toMatchObject({ reason: 'not_in_scope' }))
  it("the key's regions is refused", () =>
    expect(refusalOf({ caller: callerWith({ regions: ['eu'] }) })).toMatchObject({ reason: 'not_in_scope' }))
  it("the key's targets is refused though the caller names it", () => {
    expect(refusalOf({ request: { model: 'tested/one' }, caller: callerWith({ targets: ['other/*'] }) })).toMatchObject({
      reason: 'not_in_scope',
    })
  })
  it('is the key without limits: nothing', () => expect(refusalOf({ caller: CALLER })).toBeNull())
})

describe('a target of another dialect', () => {
  const other = { provider: { dialect: 'anthropic-messages' } } as const
  const both = new Set(['openai-chat', 'anthropic-messages'] as const)
  const losing = { codecs: both, losses: () => [{ field: 'logit_bias', how: 'dropped' as const }] }

  it('is refused where the router cannot write it', () =>
    expect(refusalOf(other)).toMatchObject({ reason: 'dialect', need: 'anthropic-messages' }))
  it('is refused where the request leans on what a provider of its own dialect keeps', () => {
    const bound = { dialect: 'openai-responses', field: 'previous_response_id' } as const
    expect(refusalOf({ ...other, codecs: both, request: { bound } })).toEqual({ reason: 'stored_state', need: 'previous_response_id' })
    expect(refusalOf({ ...other, codecs: both, request: { bound: { ...bound, dialect: 'anthropic-messages' } } })).toBeNull()
  })
  it('is the one that keeps what the request goes on from, where that is known', () => {
    expect(refusalOf({ keeper: 'north/middle' })).toEqual({ reason: 'stored_state', need: 'north/middle' })
  })
  it('may answer though something is lost', () => expect(refusalOf({ ...other, ...losing })).toBeNull())
  it('is refused with the field where nothing may be lost', () => {
    const refusal = { reason: 'lossy', need: 'logit_bias', have: 'dropped' }
    expect(
      refusalOf({
        ...other,
        codecs: both,
        losses: target => (target.provider.dialect === 'openai-chat' ? [] : losing.losses()),
        policy: { strict: true },
      }),
    ).toEqual(refusal)
    expect(
      refusalOf({
        ...other,
        codecs: both,
        losses: target => (target.provider.dialect === 'openai-chat' ? [] : losing.losses()),
        policy: { require: { lossless: true } },
      }),
    ).toEqual(refusal)
  })
})

describe("a target of the caller's dialect that refuses a field", () => {
  const losses = () => [{ field: 'temperature', how: 'dropped' as const }]
  it('may answer without it', () => expect(refusalOf({ losses })).toBeNull())
  it('is refused with the field where nothing may be lost', () => {
    const refusal = { reason: 'lossy', need: 'temperature', have: 'dropped' }
    expect(refusalOf({ losses, policy: { strict: true } })).toEqual(refusal)
    expect(refusalOf({ losses, policy: { require: { lossless: true } } })).toEqual(refusal)
  })
})

describe('a target in bad health', () => {
  const inHealth = (health: Partial<TargetHealth>, more: WorldFacts = {}) => refusalOf({ health: { 'tested/one': health }, ...more })

  it.each([
    ['left alone', { state: 'open', until_ms: NOW_MS + 1 }, 'open'],
    ['being probed by somebody', { state: 'probing', until_ms: NOW_MS + 1 }, 'open'],
    ['taken out by hand', { state: 'isolated' }, 'isolated'],
    ['rate-limited', { limited_until_ms: NOW_MS + 1 }, 'rate_limited'],
    ['refusing our credential', { auth_broken_until_ms: NOW_MS + 1 }, 'credential'],
    ['recovering, outside its share', { state: 'ramp', ramp_share: 0 }, 'ramping'],
  ] as const)('is refused while %s', (_, health, reason) => expect(inHealth(health)).toMatchObject({ reason }))
  it.each([
    ['its rate limit is over', { limited_until_ms: NOW_MS }],
    ['its credential may be tried again', { auth_broken_until_ms: NOW_MS }],
    ['it recovers, inside its share', { state: 'ramp', ramp_share: 1 }],
    ['it may be probed', { state: 'open', until_ms: NOW_MS }],
  ] as const)('is back when %s', (_, health) => expect(inHealth(health)).toBeNull())
  it('may be probed only by whoever holds the lease, where there are leases', () => {
    expect(inHealth({ state: 'open', until_ms: NOW_MS }, { probes: new Set() })).toMatchObject({ reason: 'open' })
    expect(inHealth({ state: 'probing', until_ms: NOW_MS + 1 }, { probes: new Set(['tested/one']) })).toBeNull()
  })
  it('is refused for its lasting fault first', () => {
    expect(inHealth({ state: 'open', until_ms: NOW_MS + 1 }, { policy: { require: { regions: ['eu'] } } })).toMatchObject({
      reason: 'region',
    })
  })
})
