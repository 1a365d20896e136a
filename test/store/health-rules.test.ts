import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Outcome } from '../../worker/schema/health.ts'
import { healthView } from '../../worker/store/health.ts'
import { RULES_EVERY_MS } from '../../worker/store/health-object.ts'
import { outcome } from '../core/health/outcomes.ts'
import { backgroundWork, emptyStorage, newId } from './fixture.ts'

const TARGET = 'openai/gpt-5'
const LENIENT = 'suspicion: { fast: { open_at: 100 }, slow: { open_at: 100 }, row_length: 100 }'

beforeEach(emptyStorage)
afterEach(() => void vi.useRealTimers())

const failures = (count: number) =>
  Array.from({ length: count }, () => outcome('connection', Date.now(), { target: TARGET, decision_id: newId(), org: newId() }))
const write = (text: string) => env.KV.put('policy/default', text)
const policy = (health: string) => `name: default\nobjective: { quality: 1 }\n${health === '' ? '' : `health: { ${health} }\n`}`

describe('the rules by which an object judges', () => {
  const object = () => env.HEALTH.getByName('all')
  let seq = 0
  const report = async (outcomes: Outcome[] = []) => {
    const from = seq
    seq += outcomes.length
    return (await object().report({ v: 1, isolate: 'rules', seq, from, outcomes, wants_probe: [] })).snapshot
  }
  /** After a report behind which the policy was read. */
  const read = async () => {
    vi.setSystemTime(Date.now() + RULES_EVERY_MS + 1)
    await report()
    await scheduler.wait(150)
  }

  it('are those of the default policy in KV, from seconds after it was edited', async () => {
    await write(policy(LENIENT))
    await read()
    const lenient = await report(failures(10))
    expect([lenient.targets[TARGET]?.state, lenient.rules?.suspicion.row_length]).toEqual(['closed', 100])
    await write(policy(''))
    await read()
    const usual = await report(failures(1))
    expect([usual.targets[TARGET]?.state, usual.rules]).toEqual(['open', undefined])
  })
  it('are kept through an eviction, and by a policy that is not usable', async () => {
    await write(policy(LENIENT))
    await read()
    await evictDurableObject(object())
    expect((await report(failures(10))).rules?.suspicion.row_length).toBe(100)
    await write('name: default\nobjective: { quality: 1 }\nhealth: { suspicion: { row_length: 1 } }\n')
    await read()
    expect((await report()).rules?.suspicion.row_length).toBe(100)
  })
  it('leave a gate that is open as it is', async () => {
    expect((await report(failures(10))).targets[TARGET]?.state).toBe('open')
    await write(policy(LENIENT))
    await read()
    expect((await report()).targets[TARGET]?.state).toBe('open')
  })
  it('are those by which isolates judge what they see themselves', async () => {
    await write(policy(LENIENT))
    await read()
    const work = backgroundWork()
    const view = healthView(env)
    expect(view.rules().suspicion.row_length).toBe(5)
    await view.refreshed(Date.now(), work.ctx)
    await work.behind()
    expect(view.rules().suspicion.row_length).toBe(100)
  })
})
