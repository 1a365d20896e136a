/** How much others can make this router do: bytes in, bytes out, time for each. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseJsonText } from '../../worker/core/json-text.ts'
import { anthropicMessages } from '../../worker/dialects/anthropic-messages/dialect.ts'
import { openaiResponses } from '../../worker/dialects/openai-responses/dialect.ts'
import { WHOLE_AT_MOST } from '../../worker/dispatch/body.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import { callFor, type Script, world } from '../dispatch/world.ts'

const MB = 1024 * 1024
const bytes = (text: string) => new TextEncoder().encode(text)

describe('four megabytes of JSON', () => {
  const item = '{"role":"user","content":"The quick brown fox jumps over the lazy dog."},'
  const good = bytes(`{"model":"auto","messages":[${item.repeat(Math.floor((4 * MB) / item.length) - 2).slice(0, -1)}]}`)
  it('of many messages are read, or refused for their number, in a fraction of a second', () => {
    const took = Array.from({ length: 9 }, () => {
      const began = process.threadCpuUsage()
      parseJsonText(good)
      return (process.threadCpuUsage(began).user + process.threadCpuUsage(began).system) / 1_000
    })
    expect(Math.min(...took)).toBeLessThan(60)
    expect(good.length).toBeGreaterThan(3.9 * MB)
  })
})

describe('an answer without end', () => {
  it('is left at the limit, counted as it comes unpacked, and is no answer', { timeout: 60_000 }, async () => {
    const block = 'x'.repeat(MB)
    const stage = world({ first: [{ body: Array.from({ length: (2 * WHOLE_AT_MOST) / MB }, () => block) }] })
    const ended = await stage.clock.run(dispatch(callFor(stage, false, { plan: { attempts: 1 } }), stage.carrier))
    expect(ended.ok ? null : ended.error.error?.code).toBe('upstream_garbage')
    expect(stage.open()).toEqual([])
  })
})

describe('an error without end', () => {
  it('is read as far as it is looked at, and told in a line', { timeout: 60_000 }, async () => {
    const stage = world({ first: [{ status: 400, body: Array.from({ length: 16 }, () => 'x '.repeat(MB / 2)) }] })
    const ended = await stage.clock.run(dispatch(callFor(stage, false, { plan: { attempts: 1 } }), stage.carrier))
    expect(ended.ok).toBe(false)
    if (!ended.ok) expect(JSON.stringify(ended.error.error).length).toBeLessThan(600)
    expect(stage.open()).toEqual([])
  })
})

describe('a stream that is translated', () => {
  const folder = join(import.meta.dirname, '../fixtures')
  const recordings = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.chunks.txt'))
    .map(path => [path, readFileSync(join(folder, path), 'utf8').trim().split('\n')] as const)
    .filter(([, lines]) => lines[0]?.includes('"chat.completion.chunk"'))
    .map(([path, lines]) => [path, [...lines, '[DONE]'].map(line => `data: ${line}\n\n`).join('')] as const)
  it('is tried on recordings', () => expect(recordings.length).toBeGreaterThan(3))
  it.each(recordings)('%s does not become three times as long on the way to its caller', async (_, text) => {
    for (const dialect of [anthropicMessages, openaiResponses]) {
      const script: Script = { headers: { 'content-type': 'text/event-stream' }, body: [text] }
      const stage = world({ first: [script] })
      const body =
        dialect === anthropicMessages
          ? '{"model":"auto","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}'
          : '{"model":"auto","stream":true,"input":"Hello"}'
      const carried = await dispatch(callFor(stage, true, { dialect, text: body }), stage.carrier)
      expect(carried.ok).toBe(true)
      if (!carried.ok) continue
      const sent = await new Response(carried.value.release().body).arrayBuffer()
      // What frames an answer is written once, however short the answer is.
      expect(sent.byteLength).toBeLessThan(3 * bytes(text).length + 2_000)
    }
  })
})
