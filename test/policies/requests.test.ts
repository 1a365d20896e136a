import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { rows, TABLE_FILE, table } from '../../policies/requests/table.ts'

const all = rows()

describe('a hundred requests', () => {
  it('are a hundred, under every policy of the folder', () => {
    expect(all).toHaveLength(100)
    expect([...new Set(all.map(row => row.policy))]).toEqual(['default', 'cheap', 'quality', 'fast', 'green', 'local-first', 'private-eu'])
  })
  it.each(all.map(row => [row.policy, row.prompt.slice(0, 60), row] as const))('%s: %s', (_, __, { ok, got, expected }) => {
    expect(ok, `expected ${expected}, got ${got}`).toBe(true)
  })
  it('are shown in a table that is up to date (npm run requests)', () => {
    expect(readFileSync(TABLE_FILE, 'utf8')).toBe(table(all))
  })
})
