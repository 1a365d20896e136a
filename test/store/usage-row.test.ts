/** What a row keeps of a call's counts. */
import { describe, expect, it } from 'vitest'
import { UNKNOWN_USAGE } from '../../worker/schema/chat.ts'
import type { AttemptRecord } from '../../worker/schema/usage.ts'
import { intendedHalf, rowOf, settledHalf } from '../../worker/store/usage-row.ts'
import { intent, settlement } from './fixture.ts'

const attempt = (usage: AttemptRecord['usage']): AttemptRecord => ({
  ...{ target: 'a/one', role: 'answer', class: 'ok', status: 200, sent_at_ms: 1, headers_ms: 10, first_token_ms: 20, ended_ms: 100 },
  ...{ detail: null, probe: false, usage },
})

describe('the counts of a call', () => {
  it('come back as they were, those that few answers have as well', () => {
    const one = intent()
    const usage = { ...UNKNOWN_USAGE, input_tokens: 7, code_runs: 2, other_model_tokens: 30, told_cost_micros: 44 }
    const attempts = [attempt(usage), attempt({ ...UNKNOWN_USAGE, output_tokens: 1 }), attempt(null)]
    expect(rowOf(intendedHalf(one), settledHalf(settlement(one, { attempts }))).attempts).toEqual(attempts)
  })
})
