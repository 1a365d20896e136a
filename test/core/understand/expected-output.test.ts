import { describe, expect, it } from 'vitest'
import { understand } from '../../../worker/core/understand/understand.ts'
import { asking } from './asking.ts'

const expected = (prompt: string, rest = {}) => understand(asking(prompt, rest)).expected_output_tokens

describe('the length that is asked for is the length expected', () => {
  it.each([
    ['Answer yes or no: is Pluto a planet?', 1, 20],
    ['Explain gravity in one sentence.', 15, 60],
    ['Explain gravity in three short sentences.', 50, 120],
    ['Write a 2000 word essay on the French Revolution.', 2_200, 3_500],
    ['Write an essay of about 500 words about bees', 550, 900],
    ['写一篇800字的作文', 500, 900],
    ['Schreibe einen Text mit 300 Wörtern über Bienen', 330, 600],
    ['Summarize it in 2 or 3 sentences: ...', 40, 120],
    ['Answer with the letter only. Which is a mammal?\nA) Trout\nB) Whale\nC) Wasp', 1, 20],
  ])('%j', (prompt, least, most) => {
    const tokens = expected(prompt)
    expect(tokens).toBeGreaterThanOrEqual(least)
    expect(tokens).toBeLessThanOrEqual(most)
  })
})

it('numbers that are facts are no wish', () => {
  expect(expected('The log has forty pages and 3 lines are missing. Who wrote the log?')).toBeGreaterThan(100)
})

it('a rewriting is as long as what is rewritten', () => {
  const material = 'The meeting has been moved to Thursday because the room is taken. '
  const short = expected(`Translate to French: ${material}`)
  expect(expected(`Translate to French: ${material.repeat(20)}`) / short).toBeGreaterThan(5)
})

it("the caller's own limit is never exceeded", () => {
  expect(expected('Write a 2000 word essay on bees.', { max_output_tokens: 50 })).toBe(50)
})

it('reasoning is paid for as well', () => {
  const plain = expected('Why is the sky red?')
  expect(expected('Why is the sky red?', { reasoning: { effort: 'high', budget_tokens: null } })).toBeGreaterThan(2 * plain)
})
