import { describe, expect, it } from 'vitest'
import type { UpstreamError } from '../../worker/dialects/dialect.ts'
import { classify, type Happening, type Situation } from '../../worker/dispatch/classify.ts'
import type { OutcomeClass } from '../../worker/schema/health.ts'

const SITUATION: Situation = {
  target: 'p/m',
  calls_here: 1,
  is_first: true,
  has_next: true,
  wait_at_most_ms: 3_000,
  remaining_ms: 60_000,
  draw: 0.5,
}
const refused = (status: number, kind: UpstreamError['kind'] = 'other', retry_after_ms: number | null = null): Happening => ({
  what: 'refused',
  error: { status, code: null, type: null, param: null, message: 'words', kind },
  retry_after_ms,
})
const verdict = (happening: Happening, change: Partial<Situation> = {}) => {
  const { class: outcome, error, next } = classify(happening, { ...SITUATION, ...change })
  return `${outcome} ${error.code} ${next.step}${next.step === 'same' ? ` ${next.wait_ms}` : ''}`
}

describe('what came of a call, what the caller would be told, and what is next', () => {
  it.each<[string, Happening, Partial<Situation>, string]>([
    ['the caller left', { what: 'left' }, {}, 'cancelled caller_left stop'],
    ['no connection', { what: 'unreachable', message: '' }, {}, 'connection upstream_unreachable next'],
    [
      'no connection, and no other target',
      { what: 'unreachable', message: '' },
      { has_next: false },
      'connection upstream_unreachable same 300',
    ],
    [
      'no connection twice',
      { what: 'unreachable', message: '' },
      { has_next: false, calls_here: 2 },
      'connection upstream_unreachable next',
    ],
    ['no headers', { what: 'silent', phase: 'headers', limit_ms: 1 }, {}, 'timeout upstream_silent next'],
    ['no first token', { what: 'silent', phase: 'first_token', limit_ms: 1 }, {}, 'timeout upstream_silent next'],
    ['the time is up', { what: 'silent', phase: 'total', limit_ms: 1 }, {}, 'timeout upstream_silent stop'],
    ['a redirect', { what: 'redirected', status: 302 }, {}, 'server upstream_failed next'],
    ['garbage', { what: 'garbage', message: '' }, {}, 'garbage upstream_garbage next'],
    ['cut', { what: 'truncated', message: '' }, {}, 'truncated upstream_truncated next'],
    ['500', refused(500), {}, 'server upstream_failed same 300'],
    ['500, shortest wait', refused(500), { draw: 0 }, 'server upstream_failed same 100'],
    ['500, longest wait', refused(500), { draw: 1 }, 'server upstream_failed same 500'],
    ['500 twice', refused(500), { calls_here: 2 }, 'server upstream_failed next'],
    ['500 with no time left to wait', refused(500), { remaining_ms: 300 }, 'server upstream_failed next'],
    ...[501, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 599, 408, 409, 425].map(
      status => [String(status), refused(status), {}, 'server upstream_failed next'] as [string, Happening, Partial<Situation>, string],
    ),
    ['429 without a time', refused(429), {}, 'rate upstream_rate_limited next'],
    ['429 without a time, and no other target', refused(429), { has_next: false }, 'rate upstream_rate_limited same 300'],
    ['429 for as long as is allowed', refused(429, 'other', 3_000), {}, 'rate upstream_rate_limited same 3150'],
    ['429 for longer', refused(429, 'other', 3_001), {}, 'rate upstream_rate_limited next'],
    ['429 for longer than is left', refused(429, 'other', 2_000), { remaining_ms: 2_000 }, 'rate upstream_rate_limited next'],
    ['429 again after the wait', refused(429, 'other', 1_000), { calls_here: 2 }, 'rate upstream_rate_limited next'],
    ['429 that is past', refused(429, 'other', 0), {}, 'rate upstream_rate_limited same 50'],
    ['429 for want of money', refused(429, 'quota', 1_000), {}, 'rate upstream_rate_limited next'],
    ['402', refused(402, 'quota'), {}, 'rate upstream_rate_limited next'],
    ['401', refused(401), {}, 'auth upstream_credential next'],
    ['403', refused(403), {}, 'auth upstream_credential next'],
    ['403 for its content', refused(403, 'content_filter'), {}, 'client upstream_rejected stop'],
    ['404', refused(404), {}, 'gone upstream_failed next'],
    ['410', refused(410), {}, 'gone upstream_failed next'],
    ['400 for a model that is gone', refused(400, 'model_gone'), {}, 'gone upstream_failed next'],
    ['400 for its length', refused(400, 'context_length'), {}, 'client upstream_rejected larger'],
    ['413 for its length', refused(413, 'context_length'), {}, 'client upstream_rejected larger'],
    ['400 for its content', refused(400, 'content_filter'), {}, 'client upstream_rejected stop'],
    ['400 for its content, from a fallback', refused(400, 'content_filter'), { is_first: false }, 'client upstream_rejected stop'],
    ['400', refused(400), {}, 'client upstream_rejected stop'],
    ['413', refused(413), {}, 'client upstream_rejected stop'],
    ['422', refused(422), {}, 'client upstream_rejected stop'],
    ['422 from a fallback', refused(422), { is_first: false }, 'client upstream_rejected next'],
  ])('%s', (_, happening, change, expected) => {
    expect(verdict(happening, change)).toBe(expected)
  })

  it("every status has a verdict, and only the caller's own faults keep theirs", () => {
    const classes = new Set<OutcomeClass>()
    for (let status = 400; status <= 599; status++) {
      const { class: outcome, error } = classify(refused(status), SITUATION)
      classes.add(outcome)
      expect(error.code === 'upstream_rejected').toBe(outcome === 'client')
      if (error.code === 'upstream_rejected') expect(error.status).toBe(status)
    }
    expect([...classes].sort()).toEqual(['auth', 'client', 'gone', 'rate', 'server'])
  })
})

describe('what only people mend', () => {
  it.each<[string, Happening, number | null]>([
    ['an account without money is left alone for ten minutes', refused(402), 600_000],
    ['an exhausted quota likewise', refused(429, 'quota'), 600_000],
    ['but as long as it says itself where it does', refused(429, 'quota', 3_000), 3_000],
    ['a model that is no more likewise', refused(404, 'model_gone'), 600_000],
    ['a 404 that does not say what is missing is not', refused(404), null],
  ])('%s', (_, happening, wait_ms) => {
    expect(classify(happening, SITUATION).retry_after_ms).toBe(wait_ms)
  })
})
