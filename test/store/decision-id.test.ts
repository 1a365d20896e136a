import { describe, expect, it } from 'vitest'
import { decisionId } from '../../worker/schema/ids.ts'
import { newDecisionId } from '../../worker/store/decision-id.ts'

const NOON = Date.UTC(2026, 10, 24, 12)

describe('a decision id', () => {
  it('is a UUID of version 7', () => {
    expect(decisionId.safeParse(newDecisionId(NOON)).success).toBe(true)
    expect(newDecisionId(NOON)).toMatch(/^dec_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/)
  })

  it('sorts by when it was made, to the millisecond', () => {
    const ids = [NOON, NOON + 1, NOON + 60_000, NOON + 86_400_000].map(newDecisionId)
    expect([...ids].sort()).toEqual(ids)
  })

  it('is no other made in the same millisecond', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newDecisionId(NOON))).size).toBe(1_000)
  })
})
