import { describe, expect, it } from 'vitest'
import { formOf } from '../../../../policies/training/routing/form.ts'

describe('the form of a question', () => {
  it('has as many numbers for every text, all of them finite', () => {
    const texts = [
      '',
      ' ',
      '?',
      '1',
      '9'.repeat(500),
      '...',
      'A. \nB. ',
      '日本語のテキスト',
      '\ud800',
      '1,000,000 and -3.5% of $2',
      'x'.repeat(20_000),
    ]
    const width = formOf('How many apples are left?').length
    for (const text of texts) {
      const form = formOf(text)
      expect(form.length).toBe(width)
      expect([...form].every(Number.isFinite), text.slice(0, 20)).toBe(true)
    }
  })
  it('names no subject: other nouns of the same shape change nothing', () => {
    expect(formOf('How many apples does Anna buy in 3 days?')).toEqual(
      formOf('How many pencil does Jack buy in 3 days?'.replace('pencil', 'grapes')),
    )
  })
  it('tells steps, figures and options apart', () => {
    const short = formOf('What is 2 plus 3?')
    const long = formOf('Anna buys 12 eggs each day. She sells half of them for $2.50 and eats 3 more. How much is left after 30 days?')
    const choice = formOf('What is 2 plus 3?\nA. 4\nB. 5\nC. 6\nD. 7')
    expect([...short].some((value, at) => value !== long[at])).toBe(true)
    expect([...short].filter((value, at) => value !== choice[at]).length).toBeGreaterThan(4)
  })
})
