/** The checklist is whole, every pointer in it is real and runs, and `RESULTS.md` is of this checklist. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ITEMS } from './items.ts'
import { isNamed, rowOf } from './table.ts'

const TESTS = join(import.meta.dirname, '..')

describe('the checklist', () => {
  it('has all 66 items and F105 to F116, each once, in order', () => {
    const faults = Array.from({ length: 12 }, (_, i) => `F${105 + i}`)
    expect(ITEMS.map(item => item.id)).toEqual([...Array.from({ length: 66 }, (_, i) => String(i + 1)), ...faults])
  })
  it('says why wherever no test shows an item', () => {
    for (const { id, tests, note } of ITEMS) expect([id, tests.length > 0 || (note ?? '').length > 20]).toEqual([id, true])
    expect(ITEMS.filter(item => item.tests.length === 0).map(item => item.id)).toEqual([])
  })
  it.each(ITEMS.filter(item => item.tests.length > 0).map(item => [item.id, item] as const))(
    '%s points at tests that are there and are run',
    (_, { tests }) => {
      for (const [file, name] of tests) {
        expect([file, existsSync(join(TESTS, file)), file.endsWith('.test.ts')]).toEqual([file, true, true])
        const text = readFileSync(join(TESTS, file), 'utf8')
        // A name as the source has it: escaped where its quotes are in it.
        expect([file, name, text.includes(name) || text.includes(name.replaceAll("'", "\\'"))]).toEqual([file, name, true])
        expect([file, /\b(it|describe|test)\.(skip|only|todo)\b/.test(text)]).toEqual([file, false])
      }
    },
  )
  it('recognises a test that was run by its name in the source', () => {
    expect(isNamed('says of %s who may', 'the table says of keys.list who may call it')).toBe(true)
    expect(isNamed('says of %s who may', 'the table says of keys.list')).toBe(false)
    expect(isNamed('is (not) there', 'is (not) there')).toBe(true)
  })
})

describe('RESULTS.md', () => {
  it('is of this checklist', () => {
    const rows = readFileSync(join(import.meta.dirname, 'RESULTS.md'), 'utf8')
      .split('\n')
      .filter(line => /^\| F?\d+ \|/.test(line))
    const told = (row: string) => row.split(' | ').slice(0, 3).join(' | ')
    expect(rows.map(told)).toEqual(ITEMS.map(item => told(rowOf(item))))
    for (const row of rows) expect(row).not.toContain('FAILED')
  })
})
