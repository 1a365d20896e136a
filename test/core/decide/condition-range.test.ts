import { describe, expect, it } from 'vitest'
import { compileCondition } from '../../../worker/core/decide/condition.ts'
import { verdictOf } from '../../../worker/core/decide/condition-range.ts'

function verdict(source: string) {
  const condition = compileCondition(source)
  if (!condition.ok) throw new Error(condition.error.message)
  return verdictOf(condition.value.tree)
}

describe('a condition can never hold', () => {
  it.each([
    'false',
    'difficulty > 1.0',
    'difficulty > 1',
    '1 < difficulty',
    'prompt_tokens < 0',
    'task == "codegen"',
    '"codegen" == task',
    'task in ["codegen", "chat"]',
    'task == "summary" && task == "extraction"',
    'task == "summary" && task in ["extraction", "reasoning"]',
    'difficulty > 0.8 && difficulty < 0.2',
    'difficulty > 0.5 && difficulty <= 0.5',
    'difficulty > 0.8 && (streaming && difficulty < 0.2)',
    'time.hour >= 24',
    '"smell" in input_modalities',
    '"crad" in personal_data && difficulty > 0.5',
    'request.dialect == "soap"',
    'difficulty > 2.0 || task == "codegen"',
    'streaming && false',
    '!(difficulty >= 0.0)',
  ])('%s', source => expect(verdict(source)).toBe('never'))
})

describe('a condition always holds', () => {
  it.each([
    'true',
    'difficulty >= 0.0',
    'difficulty <= 1.0 && prompt_tokens >= 0',
    'streaming || true',
    'task in ["code_generation","code_understanding","mathematics","reasoning","factual_question","grounded_question","summary","extraction","rewriting","creative_writing","conversation","agentic"]',
  ])('%s', source => expect(verdict(source)).toBe('always'))
})

describe('a condition may hold', () => {
  it.each([
    'difficulty > 0.5',
    'difficulty >= 1.0',
    'task == "summary"',
    'task != "codegen"',
    'caller.tier == "gold"',
    'caller.tier == "gold" && "eu" in caller.tags',
    'difficulty > 0.2 && difficulty < 0.8',
    'prompt_tokens > 4000 && size == "l"',
    'personal_data.exists(p, p == "card")',
    'prompt_tokens + 1 > 4000',
    '"card" in personal_data',
    'task == "summary" || task == "codegen"',
  ])('%s', source => expect(verdict(source)).toBe('sometimes'))
})
