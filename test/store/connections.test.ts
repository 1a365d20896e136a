/**
 * The platform lets one request wait for six connections at a time; a seventh waits for one of them to end. Where the six wait for what the seventh
 * is to bring, that would be for ever. So here is counted how many a request has at once, where it has most: hedged, its policy and its health old,
 * its intent under way, and every one of these slow.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, vi } from 'vitest'
import { ok } from '../../worker/core/result.ts'
import { row } from '../faults/note.ts'
import { callerOf } from '../routes/admin/asking.ts'
import { CHAT, router } from '../security/workerd/router.ts'
import { emptyStorage } from './fixture.ts'

const AT_MOST = 6
const FIRST = 'openai/gpt-5-mini'
const SECOND = 'mistral/mistral-small-2506'
const SLOW_MS = 250

type Gauge = { now: string[]; most: string[]; enter(name: string): () => void }
function gauge(): Gauge {
  const it: Gauge = {
    now: [],
    most: [],
    enter(name) {
      it.now.push(name)
      if (it.now.length > it.most.length) it.most = [...it.now]
      return () => void it.now.splice(it.now.indexOf(name), 1)
    },
  }
  return it
}

/** Every method that gives a promise is a connection while it is out, and takes its time. */
function gauged<T extends object>(of: T, name: string, count: Gauge): T {
  return new Proxy(of, {
    get(target, method) {
      const value = Reflect.get(target, method) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        // Of a stub, `apply` would be a method of the object's.
        const made = (target as Record<PropertyKey, (...args: unknown[]) => unknown>)[method]?.(...args)
        if (!(made instanceof Promise) && typeof (made as { then?: unknown })?.then !== 'function') return made
        const leave = count.enter(`${name}.${String(method)}`)
        return scheduler
          .wait(SLOW_MS)
          .then(() => made)
          .finally(leave)
      }
    },
  })
}
const objects = (of: object, name: string, count: Gauge) => ({
  getByName: (id: string, options?: object) =>
    gauged((of as { getByName(id: string, options?: object): object }).getByName(id, options), name, count),
})

const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

beforeAll(emptyStorage)

describe('a request that hedges', () => {
  row(
    'F97',
    'workerd',
    'how many connections one request has open, hedged, with everything old and slow',
    'its calls, objects, cache and KV together: never more than six',
    async () => {
      const count = gauge()
      const { key } = await callerOf({ org: 'hedging' })
      const policy = {
        name: 'default',
        objective: { quality: 1 },
        targets: [FIRST, SECOND],
        rules: [{ name: 'first', when: 'true', do: { pin: FIRST } }],
        hedge: { share: 1, at_least_ms: 50 },
      }
      await env.KV.put('policy/default', JSON.stringify(policy))
      const open = caches.open.bind(caches)
      vi.spyOn(caches, 'open').mockImplementation(async name => gauged(await open(name), 'cache', count))
      const on = router({
        variables: {
          MISTRAL_API_KEY: 'mistral-key',
          KV: gauged(env.KV, 'KV', count),
          HEALTH: objects(env.HEALTH, 'HEALTH', count),
          USAGE: objects(env.USAGE, 'USAGE', count),
        },
        change: deps => ({
          ...deps,
          effects: {
            ...deps.effects,
            fetch: async (_, url, init) => {
              const leave = count.enter(new URL(url).hostname)
              init.signal?.addEventListener('abort', leave)
              // Headers at once, a first token late: the connection is open all the while.
              const is_first = url.includes('openai')
              const body = new ReadableStream({
                async start(controller) {
                  await scheduler.wait(is_first ? 2_000 : 400)
                  if (init.signal?.aborted) return
                  for (const text of [event({ content: 'Hi' }), event({}, 'stop'), 'data: [DONE]\n\n'])
                    controller.enqueue(new TextEncoder().encode(text))
                  controller.close()
                  leave()
                },
              })
              return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
            },
          },
          async world(...args) {
            const world = await deps.world(...args)
            if (!world.ok) return world
            // As after a day of answers in 60 ms.
            const quick = { ln_first_token_ms: { s: 4, m: 4, l: 4, xl: 4 }, first_token_p99_ms: { s: 60, m: 60, l: 60, xl: 60 } }
            const health = {
              state: 'closed',
              until_ms: null,
              limited_until_ms: null,
              auth_broken_until_ms: null,
              ramp_share: 1,
              error_rate: 0,
            }
            const targets = {
              [FIRST]: { ...health, ...quick, ln_tokens_per_second: null, slow: false, last_ok_at_ms: null, samples: 100 },
            }
            return ok({ ...world.value, health: { ...world.value.health, targets } as typeof world.value.health })
          },
        }),
      })
      const ask = () => on.ask('POST', '/v1/chat/completions', { key, body: { ...CHAT, model: 'auto', stream: true } })
      await (await ask()).text()
      // The first of an isolate reads everything; the second finds it old.
      await scheduler.wait(2_100)
      count.most = []
      const response = await ask()
      expect(await response.text()).toContain('"Hi"')
      expect(response.headers.get('x-signalbox-target')).toBe(SECOND)
      expect(count.most).toEqual(expect.arrayContaining(['api.openai.com', 'api.mistral.ai']))
      expect(count.most.length).toBeLessThanOrEqual(AT_MOST)
      expect(count.now).toEqual([])
      return `${count.most.length} at once: ${count.most.join(', ')}`
    },
    30_000,
  )
})
