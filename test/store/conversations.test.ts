import { describe, expect, it } from 'vitest'
import { conversations } from '../../worker/store/conversations.ts'

const from = (target: string) => ({ target, at_ms: 1, prompt_tokens: 10, policy_version: '0123456789abcdef' })

describe('what an isolate remembers of conversations', () => {
  it('is who answered last', () => {
    const { last, answered } = conversations()
    expect(last(1)).toBeUndefined()
    answered(1, from('p/a'))
    answered(1, from('p/b'))
    expect(last(1)?.target).toBe('p/b')
  })

  it('is bounded: what was not spoken of for two generations is gone', () => {
    const { last, answered } = conversations(3)
    answered(1, from('p/a'))
    for (let key = 2; key <= 6; key++) answered(key, from('p/a'))
    expect(last(1)?.target).toBe('p/a')
    answered(7, from('p/a'))
    expect([1, 3, 4, 7].map(key => last(key) !== undefined)).toEqual([false, false, true, true])
  })
})
