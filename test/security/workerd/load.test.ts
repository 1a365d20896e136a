/**
 * One organisation's load beside another's, in one isolate: what is asked is not how long anything takes, but that nothing of the one waits for
 * anything of the other. So the loud one's requests stand still until the quiet one's have been answered.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { forgetCallers } from '../../../worker/store/callers.ts'
import type { UsageObject } from '../../../worker/store/usage-object.ts'
import { callerOf, emptyRouter, errorOf } from '../../routes/admin/asking.ts'
import { ANSWER, CHAT, type Router, router, type Sent } from './router.ts'

const LOUD = 200
const QUIET = 20
const ROOM = { of: 'requests_per_minute', at_most: 100, kind: 'hard' } as const

let loud: string
let quiet: string
beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  quiet = (await callerOf({ org: 'quiet', rates: [ROOM] })).key
})

const chat = (on: Router, key: string, content: string) =>
  on.ask('POST', '/v1/chat/completions', { key, body: { ...CHAT, messages: [{ role: 'user', content }] } })
const many = (count: number, make: (i: number) => Promise<Response>) => Promise.all(Array.from({ length: count }, (_, i) => make(i)))
const left = (responses: Response[]) =>
  responses.map(({ headers }) => Number(headers.get('x-ratelimit-remaining-requests'))).sort((a, b) => b - a)
const statuses = (responses: Response[]) => [...new Set(responses.map(({ status }) => status))]
const isLoud = ({ text }: Sent) => text.includes('loud')

/** Resolves when it has been told so many times. */
function toldTimes(times: number) {
  let told = 0
  let done: () => void = () => {}
  const all = new Promise<void>(resolve => {
    done = resolve
  })
  return { all, tell: () => (++told >= times ? done() : undefined) }
}

/** The provider answers the quiet one at once, and the loud one when it is let. */
function standing(times: number, variables: Record<string, unknown> = {}) {
  const there = toldTimes(times)
  const let_go = toldTimes(1)
  const on = router({
    variables,
    answer: async sent => {
      if (!isLoud(sent)) return Response.json(ANSWER)
      there.tell()
      await let_go.all
      return Response.json(ANSWER)
    },
  })
  return { on, there: there.all, letGo: let_go.tell }
}

describe('two hundred slow requests of one organisation', () => {
  it('hold up none of another’s, which are called and answered while all of them stand', async () => {
    loud = (await callerOf({ org: 'loud' })).key
    const { on, there, letGo } = standing(LOUD)
    let answered = 0
    const slow = many(LOUD, async () => {
      const response = await chat(on, loud, 'loud')
      answered++
      return response
    })
    await there
    const responses = await many(QUIET, i => chat(on, quiet, `quiet ${i}`))
    expect([answered, statuses(responses), on.sent.filter(sent => !isLoud(sent)).length]).toEqual([0, [200], QUIET])
    letGo()
    expect(statuses(await slow)).toEqual([200])
  })
  it('use nothing of another’s limits, which stand as if it were alone', async () => {
    loud = (await callerOf({ org: 'loud', rates: [ROOM] })).key
    const { on, there, letGo } = standing(ROOM.at_most)
    const slow = many(LOUD, () => chat(on, loud, 'loud'))
    await there
    const responses = await many(QUIET, i => chat(on, quiet, `quiet ${i}`))
    expect(left(responses)).toEqual(Array.from({ length: QUIET }, (_, i) => ROOM.at_most - 1 - i))
    letGo()
    const told = await slow
    expect(statuses(told).sort()).toEqual([200, 429])
    expect(told.filter(({ status }) => status === 200)).toHaveLength(ROOM.at_most)
  })
  it('are no more at a time than its own limit lets through: the provider sees ten of them, and all of the other’s', async () => {
    loud = (await callerOf({ org: 'loud', rates: [{ of: 'concurrent_requests', at_most: 10, kind: 'hard' }] })).key
    const { on, there, letGo } = standing(10)
    const refused: Response[] = []
    const turned = toldTimes(LOUD - 10)
    const slow = many(LOUD, async () => {
      const response = await chat(on, loud, 'loud')
      if (response.status === 429) {
        refused.push(response)
        turned.tell()
      }
      return response
    })
    await Promise.all([there, turned.all])
    const responses = await many(QUIET, i => chat(on, quiet, `quiet ${i}`))
    expect([statuses(responses), on.sent.filter(isLoud).length, refused.length]).toEqual([[200], 10, LOUD - 10])
    expect((await errorOf(refused[0] as Response)).message).toContain('10 requests at the same time for this key')
    letGo()
    await slow
  })
})

describe('books that do not answer', () => {
  it('of one organisation hold up none of another’s requests: each has its own', async () => {
    loud = (await callerOf({ org: 'loud', rates: [ROOM] })).key
    const asked: string[] = []
    let tell: () => void = () => {}
    const stuck = new Promise<void>(resolve => {
      tell = resolve
    })
    const books = (org: string) => {
      asked.push(org)
      if (org !== 'loud') return env.USAGE.getByName(org)
      tell()
      return { commit: () => new Promise<never>(() => undefined) } as unknown as DurableObjectStub<UsageObject>
    }
    const USAGE = new Proxy(env.USAGE, { get: (of, name) => (name === 'getByName' ? books : Reflect.get(of, name)) })
    const { on } = standing(0, { USAGE })
    let answered = 0
    const waiting = many(LOUD, async () => {
      const response = await chat(on, loud, 'loud')
      answered++
      return response
    })
    await stuck
    const responses = await many(QUIET, i => chat(on, quiet, `quiet ${i}`))
    expect([answered, statuses(responses), left(responses)[QUIET - 1]]).toEqual([0, [200], ROOM.at_most - QUIET])
    expect(new Set(asked)).toEqual(new Set(['loud', 'quiet']))
    // Nothing of the loud one was called either: what cannot be written down is not done.
    expect([statuses(await waiting), on.sent.filter(isLoud).length]).toEqual([[503], 0])
  })
})
