import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ridge } from '../../../../policies/training/routing/ridge.ts'
import { gradedSets, questionOf } from '../../../../policies/training/routing/sets.ts'

describe('a question', () => {
  it('is the same however its options are given', () => {
    const plain = questionOf('What is the largest organ of the human body?\nA. Skin\nB. Liver')
    expect(questionOf('What is the largest  organ of the human body?\n(A) Liver (B) Lung (C) Skin (D) Heart')).toBe(plain)
    expect(questionOf('What is the smallest organ of the human body?\nA. Skin')).not.toBe(plain)
  })
})

describe('any folder of graded prompts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graded-'))
  const rows = Array.from({ length: 80 }, (_, i) => ({
    prompt: `Question number ${i} about rivers and lakes?`,
    scores: { big: 1, small: i % 2, tiny: 0 },
  }))
  writeFileSync(join(folder, 'mine.jsonl'), rows.map(row => JSON.stringify(row)).join('\n'))
  writeFileSync(join(folder, 'other.jsonl'), '{"text": "no prompt and no scores"}\n')

  it('is read by prompt and scores alone, a set a file', () => {
    const [set, ...rest] = gradedSets(folder)
    expect(rest).toEqual([])
    expect(set).toMatchObject({ name: 'mine', strong: 'big', weak: 'small' })
    expect(set?.rows).toHaveLength(80)
  })
})

describe('ridge', () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({ dense: Float32Array.of(i / 100 - 1), grams: Int32Array.of(i % 2, 5) }))
  const targets = Float64Array.from(rows, ({ dense, grams }) => 0.4 + 2 * (dense[0] as number) + (grams[0] === 1 ? 0.3 : 0))
  it('finds weights of dense signs and of n-grams', () => {
    const score = ridge(rows, targets, { lambda: 0.01, buckets: 8 })
    expect(score({ dense: Float32Array.of(0.5), grams: Int32Array.of(1, 5) })).toBeCloseTo(1.7, 1)
    expect(score({ dense: Float32Array.of(-0.5), grams: Int32Array.of(0, 5) })).toBeCloseTo(-0.6, 1)
  })
  it('tells the mean where it is held back altogether', () => {
    const mean = targets.reduce((sum, each) => sum + each, 0) / targets.length
    expect(ridge(rows, targets, { lambda: 1e12, buckets: 8 })(rows[0] as (typeof rows)[0])).toBeCloseTo(mean, 3)
  })
})
