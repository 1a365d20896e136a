import { describe, expect, it } from 'vitest'
import { callerOf, requestOf } from '../../../worker/core/decide/sketch.ts'
import { runPolicyTests } from '../../../worker/core/decide/trial.ts'
import { understand } from '../../../worker/core/understand/understand.ts'
import { type Expectation, sketch } from '../../../worker/schema/policy.ts'
import { catalogueOf, policyOf, THREE } from './small-world.ts'

describe('a sketch becomes a request', () => {
  it('with what it says, and nothing else', () => {
    expect(requestOf({ prompt: 'Hello', system: 'Be brief', model: 'policy/x', stream: true, max_tokens: 5 })).toMatchObject({
      dialect: 'openai-chat',
      model: 'policy/x',
      stream: true,
      max_output_tokens: 5,
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief' }] },
        { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
      ],
      tools: [],
      output: { form: 'text' },
    })
  })
  it('that is understood as it was meant', () => {
    expect(understand(requestOf({ prompt: 'What is this?', image: true, tools: 2, output_form: 'json_schema' }))).toMatchObject({
      input_modalities: expect.arrayContaining(['text', 'image']),
      tools: 2,
      output_form: 'json_schema',
    })
  })
  it.each([100, 10_000, 200_000])('padded to about %d tokens', prompt_tokens => {
    const found = understand(requestOf({ prompt: 'Summarize this.', prompt_tokens })).prompt_tokens
    expect(found / prompt_tokens).toBeGreaterThan(0.8)
    expect(found / prompt_tokens).toBeLessThan(1.25)
  })
  it('from a caller with its labels', () => {
    expect(callerOf({ prompt: '', caller: { tier: 'gold', tags: ['eu'] } })).toMatchObject({
      tier: 'gold',
      tags: ['eu'],
      scopes: { may_pin: true },
    })
  })
  it('or is refused where it says what nobody knows', () => expect(sketch.safeParse({ prompt: '', temperature: 1 }).success).toBe(false))
})

describe("a policy's own test", () => {
  const catalogue = catalogueOf(
    [{ id: 'p' }, { id: 'demo', transport: 'worker' }],
    [{ id: 'p/a', quality: 0.9 }, { id: 'p/b' }, { id: 'demo/best', quality: 0.99 }],
  )
  const result = (expect: Expectation, request: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
    runPolicyTests(
      policyOf({ groups: { good: ['p/a'] }, ...more, tests: [{ name: 't', request: { prompt: 'Hello', ...request }, expect }] }),
      catalogue,
      null,
    )[0]

  it.each([
    ['the target', { target: 'p/a' }, { target: 'p/b' }],
    ['a glob', { target: 'p/*' }, { target: 'q/*' }],
    ['a group', { target: 'group:good' }, { target: 'demo/*' }],
    ['not a target', { not_target: 'p/b' }, { not_target: 'p/*' }],
    ['one of several', { first_of: ['p/b', 'p/a'] }, { first_of: ['p/b'] }],
  ] as const)('may expect %s', (_, right, wrong) => {
    expect(result(right as Expectation)).toMatchObject({ ok: true, got: 'p/a' })
    expect(result(wrong as Expectation)).toMatchObject({ ok: false, got: 'p/a' })
  })
  it.each([
    ['at all', true],
    ['for a reason', 'region'],
    ['by its code', 'no_eligible_target'],
  ])('may expect a refusal %s', (_, refused) => {
    const expected = { refused } as Expectation
    expect(result(expected, {}, { require: { regions: ['mars'] } })).toMatchObject({ ok: true })
    expect(result(expected)).toMatchObject({ ok: false })
  })
  it.each(['no cards', 'no-cards'])('may expect a refusal by rule: "%s"', refused => {
    expect(
      result({ refused }, {}, { rules: [{ name: 'no-cards', when: 'true', do: { refuse: 'There are no cards here.' } }] }),
    ).toMatchObject({ ok: true })
  })
  it('leaves the built-in demo out, unless it asks for it', () => {
    expect(result({ target: 'p/a' })).toMatchObject({ ok: true })
    expect(result({ target: 'demo/best' }, { live: ['*'] })).toMatchObject({ ok: true })
  })
  it('may say who is down', () => expect(result({ target: 'p/b' }, { down: ['p/a'] })).toMatchObject({ ok: true }))
  it('may say which draw it means', () => {
    const split = {
      rules: [
        {
          name: 's',
          when: 'true',
          do: {
            split: [
              { to: 'p/a', weight: 1 },
              { to: 'p/b', weight: 1 },
            ],
          },
        },
      ],
    }
    const tested = (draw: number) =>
      runPolicyTests(
        policyOf({ ...split, tests: [{ name: 't', request: { prompt: 'Hello' }, expect: { target: 'p/b' }, draw }] }),
        catalogue,
        null,
      )[0]?.ok
    expect([tested(0.49), tested(0.51)]).toEqual([false, true])
  })
  it('gives the same with everything else equal, whenever it runs', () => {
    const policy = policyOf({ tests: [{ name: 't', request: { prompt: 'Hello' }, expect: { target: 'north/strong' } }] })
    expect(runPolicyTests(policy, THREE, null)).toEqual(runPolicyTests(policy, THREE, null))
  })
})
