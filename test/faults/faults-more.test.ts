/** The other half of the fault table against the whole router, and many long prompts at the same time. */
import { afterAll, describe, expect } from 'vitest'
import { row } from './note.ts'
import { ROWS_BEFORE } from './rows-before.ts'
import { ROWS_STREAM } from './rows-stream.ts'
import { startSelfSigned } from './self-signed.ts'
import { table } from './table.ts'
import { answers } from './upstream.ts'

let signed: Awaited<ReturnType<typeof startSelfSigned>> | undefined

const LARGE = 'f98'
const house = table([...ROWS_BEFORE, ...ROWS_STREAM], {
  models: [LARGE],
  policies: { large: { name: 'large', objective: { quality: 1 }, targets: [`vllm/${LARGE}`] } },
  urls: async () => {
    signed = await startSelfSigned()
    return { OLLAMA_URL: signed.url, VLLM_CONTEXT_TOKENS: '10000000' }
  },
})

describe('fifty prompts of two megabytes at the same time', () => {
  row(
    'F98',
    'worker',
    'fifty prompts of two megabytes at the same time',
    'each is answered or refused, and the router goes on',
    async () => {
      const { server, first, post } = house
      first.does(LARGE, answers('read'))
      const body = JSON.stringify({ model: 'policy/large', messages: [{ role: 'user', content: 'word '.repeat(400_000) }] })
      const headers = { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' }
      const asked = Array.from({ length: 50 }, async () => {
        const reply = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers, body })
        await reply.text()
        return reply.status
      })
      const statuses = await Promise.all(asked)
      for (const code of statuses) expect([200, 413, 503]).toContain(code)
      const reply = await post('policy/large', false)
      await reply.text()
      expect(reply.status).toBe(200)
      return `${statuses.filter(code => code === 200).length} answered, ${statuses.filter(code => code !== 200).length} refused`
    },
    60_000,
  )
})

afterAll(() => signed?.stop())
