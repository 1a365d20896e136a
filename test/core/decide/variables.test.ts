import { describe, expect, it } from 'vitest'
import { compileCondition } from '../../../worker/core/decide/condition.ts'
import { VARIABLES, variablesOf } from '../../../worker/core/decide/variables.ts'
import { features } from '../../../worker/schema/features.ts'
import { CALLER, chat, FEATURES, featuresWith, NOW_MS } from './small-world.ts'

function holds(source: string, values = variablesOf(FEATURES, CALLER, chat(), NOW_MS)) {
  const condition = compileCondition(source)
  if (!condition.ok) throw new Error(condition.error.message)
  return condition.value.matches(values)
}

describe('what a rule may read', () => {
  it('is every feature', () => expect(Object.keys(features.shape).filter(name => !(name in VARIABLES))).toEqual([]))
  it.each(Object.entries(VARIABLES))('%s has a value of its declared type', (name, { type }) => {
    const literal = { bool: 'true', int: '7', double: '0.7', string: '"x"', 'list<string>': '["x"]' }[type]
    expect(holds(`${name} == ${literal} || ${name} != ${literal}`)).toEqual({ ok: true, value: true })
  })
  it('of the caller are its labels', () => {
    const values = variablesOf(FEATURES, { ...CALLER, tier: 'gold', tags: ['eu'] }, chat())
    expect(holds('caller.tier == "gold" && "eu" in caller.tags && caller.org == "acme" && caller.team == ""', values)).toEqual({
      ok: true,
      value: true,
    })
  })
  it('of the request is what was written', () => {
    expect(holds('request.model == "auto" && !request.stream && request.dialect == "openai-chat"')).toEqual({ ok: true, value: true })
  })
  it('of the time is in UTC', () => {
    // 2026-11-24, a Tuesday, at noon.
    expect(holds('time.hour == 12 && time.weekday == 2')).toEqual({ ok: true, value: true })
  })
  it('as a count is whole, however it was estimated', () => {
    expect(holds('prompt_tokens == 101', variablesOf(featuresWith({ prompt_tokens: 100.6 }), CALLER, chat()))).toEqual({
      ok: true,
      value: true,
    })
    expect(holds('prompt_tokens == 0', variablesOf(featuresWith({ prompt_tokens: Number.NaN }), CALLER, chat()))).toEqual({
      ok: true,
      value: true,
    })
  })
  it('as a list is cut to what a loop may go over', () => {
    const values = variablesOf(featuresWith({ personal_data: Array.from({ length: 10_000 }, (_, i) => `kind ${i}`) }), CALLER, chat())
    expect(holds('size(personal_data) == 50', values)).toEqual({ ok: true, value: true })
  })
})
