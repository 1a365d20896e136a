import { describe, expect, it } from 'vitest'
import { shadow } from '../../worker/dispatch/shadow.ts'
import { callFor, completion, DONE, FINISH, ROLE, refusal, replies, type Script, streams, token, USAGE, world } from './world.ts'

async function copyTo(script: Script, stream: boolean, gone?: AbortSignal) {
  const at = world({ a: [script] })
  const record = await at.clock.run(shadow(callFor(at, stream, { gone }), 'a', at.carrier))
  await at.clock.settle()
  expect(at.reports.map(report => report.class)).toEqual([record.class])
  expect(at.open()).toEqual([])
  return record
}

describe('a copy of a request', () => {
  it('is read to its end, counted and thrown away', async () => {
    const record = await copyTo(streams(ROLE, token('Hi'), { wait_ms: 100 }, token('!'), FINISH, USAGE, DONE), true)
    expect(record).toMatchObject({
      role: 'shadow',
      target: 'a',
      class: 'ok',
      status: 200,
      first_token_ms: 0,
      ended_ms: 100,
      usage: { output_tokens: 4 },
    })
  })
  it('counts whole answers too', async () => {
    expect(await copyTo(replies(completion('Hi')), false)).toMatchObject({ role: 'shadow', class: 'ok', usage: { input_tokens: 9 } })
  })
  it.each<[string, Script, string]>([
    ['refused', replies(refusal('busy'), 503), 'server'],
    ['silent', { silent: true }, 'timeout'],
    ['cut', streams(token('Hi'), 'CUT'), 'truncated'],
    ['stalled', streams(token('Hi'), 'HANG'), 'timeout'],
    ['with an error in band', streams(token('Hi'), 'data: {"error":{"message":"overloaded","code":529}}\n\n'), 'server'],
  ])('that is %s is a record like any other, and is not tried again', async (_, script, expected) => {
    expect((await copyTo(script, true)).class).toBe(expected)
  })
  it('goes on when the caller leaves', async () => {
    expect((await copyTo(replies(completion('Hi')), false, AbortSignal.abort())).class).toBe('ok')
  })
  it('to a target that is off calls nobody', async () => {
    const at = world({ a: [] })
    expect(await at.clock.run(shadow(callFor(at, true), 'b', at.carrier))).toMatchObject({
      target: 'b',
      class: 'cancelled',
      role: 'shadow',
    })
    expect(at.reports).toEqual([])
  })
})
