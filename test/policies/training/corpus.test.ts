import { describe, expect, it } from 'vitest'
import { overlap, problemsOf, triples } from '../../../policies/training/corpus/check.ts'
import { ownCorpus } from '../../../policies/training/data.ts'

describe('the corpus of prompts', () => {
  const rows = ownCorpus()

  it('has over three thousand, of all tasks and ten languages, none nearly another', () => {
    expect(problemsOf(rows)).toEqual([])
  })
  it('is refused with a duplicate in it', () => {
    const [first] = rows
    expect(problemsOf([first, { ...first, id: 'own/agentic/0/99' }])).toContain(`own/agentic/0/99 is nearly ${first?.id}`)
  })
  it('is refused with a task that there is none of', () => {
    expect(problemsOf([rows[0], { ...rows[0], task: 'small_talk' }])[0]).toContain('row 2')
  })
})

describe('overlap of two texts', () => {
  it('is 1 for the same words and 0 for others', () => {
    const text = triples('the meeting is at nine in the hall')
    expect(overlap(text, text)).toBe(1)
    expect(overlap(text, triples('somebody else said something different today'))).toBe(0)
  })
  it('is of characters where there are no spaces', () => {
    expect(overlap(triples('北京明天天气'), triples('北京明天天气怎么样'))).toBeGreaterThan(0.3)
  })
})
