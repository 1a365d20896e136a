import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { decisionOf } from '../../worker/dialects/answer-id.ts'
import { keepAnswer, keeperOf } from '../../worker/store/kept-answers.ts'
import { emptyStorage } from './fixture.ts'

beforeAll(emptyStorage)

const message = async (id: unknown, org = 'acme') => {
  const found = await keeperOf(env.KV, org, id as string, made => decisionOf(made) !== null)
  return found.ok ? found.value : (found.error as { message: string }).message
}

describe('an answer that its caller asked to be kept', () => {
  it('is known by its id, to its own organisation', async () => {
    await keepAnswer(env.KV, 'acme', 'resp_68f0a1', 'openai/gpt-5')
    expect(await message('resp_68f0a1')).toBe('openai/gpt-5')
    expect(await message('resp_68f0a1', 'other')).toContain('nobody is known to keep this answer')
  })
  it('whose id could be another key is not remembered', async () => {
    for (const id of ['../policy/default', 'a/b', '', 'x'.repeat(201)]) await keepAnswer(env.KV, 'acme', id, 'openai/gpt-5')
    expect((await env.KV.list({ prefix: 'answer/' })).keys.map(({ name }) => name)).toEqual(['answer/acme/resp_68f0a1'])
  })
})

describe('a caller that cannot go on from an answer is told why, and what to do', () => {
  it.each([
    ['nobody knows it', 'resp_unknown', '"store": true'],
    ['the router translated it', 'resp_sb019364a12b3c7d4e8f500123456789ab', 'translated by the router'],
  ])('because %s', async (_, id, why) => {
    expect(await message(id)).toContain(why)
    expect(await message(id)).toContain('Send the conversation so far in "input" instead.')
  })
  it.each([7, null, ['resp_1'], 'a b', '../policy/default'])('because %j is no id', async id => {
    expect(await message(id)).toContain('must be the id of an answer')
  })
})
