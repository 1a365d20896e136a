import { describe, expect, it } from 'vitest'
import { fitTo, type Parameters, parametersOf } from '../../../worker/core/decide/parameters.ts'
import type { Provider, Target } from '../../../worker/schema/catalogue.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

const wants = (more: Partial<Parameters>): Parameters => ({ output_limit_field: null, refuses: [], ...more })
const fitted = (body: JsonObject, more: Partial<Parameters>) => fitTo(body, wants(more))

describe('the limit of output', () => {
  it('is renamed where the target knows only the other name, which loses nothing', () => {
    expect(fitted({ max_tokens: 50 }, { output_limit_field: 'max_completion_tokens' })).toEqual({
      edits: { max_tokens: undefined, max_completion_tokens: 50 },
      losses: [],
    })
    expect(fitted({ max_completion_tokens: 50 }, { output_limit_field: 'max_tokens' })).toEqual({
      edits: { max_completion_tokens: undefined, max_tokens: 50 },
      losses: [],
    })
  })
  it('is left as it is under the right name, or where both pass', () => {
    expect(fitted({ max_tokens: 50 }, { output_limit_field: 'max_tokens' })).toEqual({ edits: {}, losses: [] })
    expect(fitted({ max_tokens: 50, max_completion_tokens: 60 }, {})).toEqual({ edits: {}, losses: [] })
  })
  it('given under both names is the newer one', () => {
    expect(fitted({ max_tokens: 50, max_completion_tokens: 60 }, { output_limit_field: 'max_completion_tokens' }).edits).toEqual({
      max_tokens: undefined,
    })
    expect(fitted({ max_tokens: 50, max_completion_tokens: 60 }, { output_limit_field: 'max_tokens' }).edits).toEqual({
      max_completion_tokens: undefined,
      max_tokens: 60,
    })
  })
  it('of null limits nothing, under any name', () => {
    expect(fitted({ max_tokens: null }, { output_limit_field: 'max_completion_tokens' }).edits).toEqual({ max_tokens: undefined })
  })
})

describe('a field that the target refuses', () => {
  it('is left out and reported', () => {
    expect(fitted({ temperature: 0.2, seed: 1 }, { refuses: ['temperature'] })).toEqual({
      edits: { temperature: undefined },
      losses: [{ field: 'temperature', how: 'dropped', note: 'the target refuses it' }],
    })
  })
  it('is nothing where the request does not have it', () => {
    expect(fitted({ seed: 1 }, { refuses: ['temperature'] })).toEqual({ edits: {}, losses: [] })
  })
  it.each([
    ['temperature', 1],
    ['top_p', 1],
    ['presence_penalty', 0],
    ['logprobs', false],
    ['parallel_tool_calls', true],
    ['seed', null],
    ['logit_bias', {}],
    ['stop', []],
  ])('is left out in silence where it says what holds without it: %s %j', (field, value) => {
    expect(fitted({ [field]: value }, { refuses: [field] })).toEqual({ edits: { [field]: undefined }, losses: [] })
  })
  it.each([
    ['temperature', 0],
    ['parallel_tool_calls', false],
    ['stop', ['END']],
    ['user', 'u'],
  ])('is a loss with any other value: %s %j', (field, value) => {
    expect(fitted({ [field]: value }, { refuses: [field] }).losses).toHaveLength(1)
  })
})

describe('a field refused only while the target reasons', () => {
  const lost = (when: 'reasoning_asked' | 'reasoning_not_off', body: JsonObject) =>
    fitted({ temperature: 0, ...body }, { refuses: [{ field: 'temperature', when }] }).losses.length > 0

  it.each([
    ['nothing is said of reasoning', {}, false, true],
    ['an effort is asked for', { reasoning_effort: 'low' }, true, true],
    ['an effort is asked for in the other form', { reasoning: { effort: 'high' } }, true, true],
    ['reasoning is switched off', { reasoning_effort: 'none' }, false, false],
  ])('%s', (_, body, asked, not_off) => {
    expect([lost('reasoning_asked', body), lost('reasoning_not_off', body)]).toEqual([asked, not_off])
  })
})

describe('what the catalogue says', () => {
  const provider = { output_limit_field: 'max_tokens', refuses: ['seed'] } as unknown as Provider
  it("of a target replaces what it says of the target's provider", () => {
    const target = { output_limit_field: null, refuses: ['stop'] } as unknown as Target
    expect(parametersOf(target, provider)).toEqual({ output_limit_field: null, refuses: ['stop'] })
    expect(parametersOf({} as Target, provider)).toEqual({ output_limit_field: 'max_tokens', refuses: ['seed'] })
  })
  it('is nothing at all for most targets, and then costs a request nothing', () => {
    expect(parametersOf({ output_limit_field: null, refuses: [] } as unknown as Target, provider)).toBeNull()
  })
})
