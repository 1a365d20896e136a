import { describe, expect, it } from 'vitest'
import type { GatewayError } from '../../worker/core/errors.ts'
import { anthropicMessages } from '../../worker/dialects/anthropic-messages/dialect.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { openaiResponses } from '../../worker/dialects/openai-responses/dialect.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import { refused } from '../../worker/routes/answer.ts'
import { callFor, refusal, replies, type Script, type TestWorld, world } from './world.ts'

const busy = (headers: Record<string, string> = {}, status = 503) => replies(refusal('busy'), status, headers)
const limited = (seconds: string) => busy({ 'retry-after': seconds }, 429)
const UNREACHABLE: Script = { refused: true }
const SILENT: Script = { silent: true }
const PAGE: Script = { headers: { 'content-type': 'text/html' }, body: ['<html>'] }
const REDIRECT: Script = { status: 302, headers: { location: 'https://elsewhere.test/' } }

/** By the names `a`, `b` and so on, in this order; what is asked twice does the same again. */
const worldOf = (...scripts: Script[]): TestWorld =>
  world(Object.fromEntries(scripts.map((script, i) => [String.fromCharCode(97 + i), [script, script]])))

async function errorFrom(
  at: TestWorld,
  opensInMs?: (target: string) => number | null,
): Promise<{ status: number; error: GatewayError | null }> {
  const carried = await at.clock.run(dispatch(callFor(at, false), opensInMs ? { ...at.carrier, opensInMs } : at.carrier))
  if (carried.ok) throw new Error('somebody answered')
  return carried.error
}

describe('where all that is wrong with the targets passes by itself, the caller is told to come back', () => {
  it.each<[string, Script[], string]>([
    ['all are down', [busy(), busy()], 'upstream_failed'],
    ['none can be reached', [UNREACHABLE, UNREACHABLE], 'upstream_unreachable'],
    ['one is down, one limited', [busy(), limited('90')], 'upstream_failed'],
    ['one is limited, one down', [limited('90'), busy()], 'upstream_rate_limited'],
    ['one is silent, one down', [SILENT, busy()], 'upstream_silent'],
    ['one fails inside', [busy({}, 500), busy({}, 502)], 'upstream_failed'],
    ['the only one is down', [busy({}, 529)], 'upstream_failed'],
    ['one is down, and a fallback cannot take the request', [busy(), replies(refusal('no such parameter'), 400)], 'upstream_failed'],
  ])('%s', async (_, scripts, first) => {
    expect(await errorFrom(worldOf(...scripts))).toMatchObject({
      status: 503,
      error: { code: 'upstream_unavailable', target: 'a', first: { code: first, target: 'a' } },
    })
  })
})

describe('where it is all of one kind, or passes by nobody, it keeps its own status', () => {
  it.each<[string, Script[], number, string]>([
    ['all are limited', [limited('90'), limited('40')], 429, 'upstream_rate_limited'],
    ['all are silent', [SILENT, SILENT], 504, 'upstream_silent'],
    ['one is down, one says no answer', [busy(), PAGE], 502, 'upstream_failed'],
    ['no answer, and then down', [PAGE, busy()], 502, 'upstream_garbage'],
    ['one is down, one refuses the credential', [busy(), busy({}, 401)], 502, 'upstream_failed'],
    ['one is down, one has lost the model', [busy(), busy({}, 404)], 502, 'upstream_failed'],
    ['one redirects', [REDIRECT], 502, 'upstream_failed'],
    [
      'the request is at fault, and the larger one down',
      [replies(refusal('too long', 'context_length_exceeded'), 400)],
      400,
      'upstream_rejected',
    ],
  ])('%s', async (_, scripts, status, code) => {
    expect(await errorFrom(worldOf(...scripts))).toMatchObject({ status, error: { code } })
  })
})

describe('when to come back', () => {
  const wait = async (...args: Parameters<typeof errorFrom>) =>
    ((await errorFrom(...args)).error as { retry_after_ms?: number }).retry_after_ms
  it('is the soonest time that a target named', async () =>
    expect(await wait(worldOf(busy({ 'retry-after': '40' }), busy({ 'retry-after': '20' }), busy()))).toBe(20_000))
  it('or a limit, where another one is down', async () => expect(await wait(worldOf(busy(), limited('7')))).toBe(7_000))
  it('or its gate, where it named none', async () =>
    expect(await wait(worldOf(busy({ 'retry-after': '40' }), busy()), target => (target === 'b' ? 4_200 : null))).toBe(4_200))
  it("its own word counts for more than its gate's", async () =>
    expect(await wait(worldOf(busy({ 'retry-after': '40' })), () => 1_000)).toBe(40_000))
  it("is the policy's assumption where nobody knows", async () => expect(await wait(worldOf(busy(), UNREACHABLE), () => null)).toBe(5_000))
})

describe('on the wire', () => {
  const error: GatewayError = {
    code: 'upstream_unavailable',
    target: 'a/m',
    first: { code: 'upstream_failed', target: 'a/m', status: 503, message: 'busy' },
    retry_after_ms: 4_200,
  }
  it.each([
    ['chat completions', openaiChat, 'server_error'],
    ['responses', openaiResponses, 'server_error'],
    ['messages', anthropicMessages, 'overloaded_error'],
  ])('in %s it has the status, the wait, and the first cause', async (_, dialect, type) => {
    const response = refused(dialect, error, 0)
    expect(response.status).toBe(503)
    expect([response.headers.get('retry-after'), response.headers.get('retry-after-ms')]).toEqual(['5', '4200'])
    expect(await response.json()).toMatchObject({
      error: {
        type,
        code: 'upstream_unavailable',
        message: 'No target can answer at the moment; try again in 5 s. What went wrong first: a/m failed with status 503: busy',
      },
    })
  })
})
