import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FACTS, type GatewayError, paramOf, retryAfterOf, statusOf, wording } from '../../worker/core/errors.ts'

describe('worker/ERRORS.md', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../worker/ERRORS.md'), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line => line.split('|').map(cell => cell.trim()))

  it('lists every code, in the order of the table, with its facts', () => {
    const documented = rows.map(([, code, status, blame, kind, again]) => [code, status, blame, kind, again])
    const facts = Object.entries(FACTS).map(([code, { status, blame, kind, retryable }]) => [
      `\`${code}\``,
      String(status),
      blame,
      kind,
      retryable ? 'yes' : 'no',
    ])
    expect(documented).toEqual(facts)
  })
  it('says of each what happened', () => {
    for (const row of rows) expect(row[6]?.length).toBeGreaterThan(20)
  })
})

describe('the status of an error', () => {
  it("is the table's", () => expect(statusOf({ code: 'missing_key' })).toBe(401))
  it("is the target's own where it refused the request", () => {
    expect(statusOf({ code: 'upstream_rejected', target: 'a/b', status: 422, message: '', param: null, upstream_code: null })).toBe(422)
  })
})

describe('what a caller sent', () => {
  const model_not_found = (model: string): GatewayError => ({ code: 'model_not_found', model, near: [] })
  it('is shown back only in part', () => expect(wording(model_not_found('m'.repeat(10_000))).length).toBeLessThan(300))
  it('cannot steer a terminal, a log or a page', () => {
    expect(wording(model_not_found('a\u001b[31m\r\nb<script>\u202e"'))).toContain('named "a?[31m??b?script???" here')
  })
  it('names the field to look at', () => expect(paramOf(model_not_found('x'))).toBe('model'))
})

describe('how long to wait', () => {
  it('is until the budget resets, and never negative', () => {
    const spent: GatewayError = {
      code: 'budget_exhausted',
      account: 'org',
      window: 'day',
      spent_micros: 1,
      limit_micros: 1,
      resets_at_ms: 5_000,
    }
    expect(retryAfterOf(spent, 2_000)).toBe(3_000)
    expect(retryAfterOf(spent, 9_000)).toBe(0)
  })
  it('is not made up', () => expect(retryAfterOf({ code: 'internal', reference: 'x' }, 0)).toBeNull())
})
