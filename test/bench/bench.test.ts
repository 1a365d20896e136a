import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DIALECTS, type DialectName } from '../../worker/schema/chat.ts'
import { countEvents, faultOf, STREAM_EVENTS, streamAnswer, wholeAnswer } from './answers.ts'
import { bundle } from './bundle.ts'
import type { Cell } from './cell.ts'
import { PEERS } from './contenders.ts'
import { faultOfFlow, flowOf } from './flows.ts'
import { answerReader } from './http-answer.ts'
import { micro, PROMPT_BYTES, TARGETS } from './micro.ts'
import type { Started } from './processes.ts'
import { tables } from './report.ts'
import { requests } from './requests.ts'
import { run } from './rounds.ts'
import { SCENARIOS } from './scenarios.ts'
import { serve } from './serve.ts'
import { SIGNALBOX } from './signalbox.ts'
import { spreadOf, summarize } from './summary.ts'
import { inRuntime } from './understanding.ts'

const answered = (status: string, framing: string, body: string) => Buffer.from(`HTTP/1.1 ${status}\r\n${framing}\r\n\r\n${body}`)

function readInPieces(bytes: Buffer, size: number) {
  const { answer, push } = answerReader()
  const whole: boolean[] = []
  for (let at = 0; at < bytes.length; at += size) whole.push(push(bytes.subarray(at, at + size)))
  return { answer, whole }
}

describe('an answer is read whole, wherever its bytes are cut', () => {
  const chunked = ['first ', 'and second\r\n\r\n', 'x'.repeat(300)]
  const framed = chunked.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
  it.each([1, 2, 3, 7, 64, 10_000])('in chunks, cut every %i bytes', size => {
    const { answer, whole } = readInPieces(answered('200 OK', 'Transfer-Encoding: chunked', `${framed}0\r\n\r\n`), size)
    expect(answer.body().toString()).toBe(chunked.join(''))
    expect(whole.indexOf(true)).toBe(whole.length - 1)
  })
  it.each([1, 5, 10_000])('by its length, cut every %i bytes', size => {
    const { answer, whole } = readInPieces(answered('503 Service Unavailable', 'Content-Length: 5', 'sorry'), size)
    expect([answer.status, answer.body().toString(), whole.indexOf(true)]).toEqual([503, 'sorry', whole.length - 1])
  })
})

describe('a wrong answer is found out', () => {
  const judged = (status: string, body: string, stream: boolean) =>
    faultOf(readInPieces(answered(status, `content-length: ${Buffer.byteLength(body)}`, body), 10_000).answer, stream)
  const whole = wholeAnswer('bench')
  const stream = streamAnswer('bench').join('')
  it('and the right ones pass, whatever a gateway put in their `model`', () => {
    expect(judged('200 OK', whole.replace('"model":"bench"', '"model":"vllm/bench"'), false)).toBe(null)
    expect(judged('200 OK', stream, true)).toBe(null)
    expect(countEvents(Buffer.from(stream))).toBe(STREAM_EVENTS)
  })
  it.each([
    ['another status', '500 Oh', whole, false],
    ['another text', '200 OK', whole.replace('table', 'chair'), false],
    ['another usage', '200 OK', whole.replace('469', '470'), false],
    ['no JSON', '200 OK', whole.slice(1), false],
    ['an event missing', '200 OK', streamAnswer('bench').toSpliced(50, 1).join(''), true],
    ['a stream without its end', '200 OK', stream.replace('[DONE]', '[]'), true],
    ['a word changed', '200 OK', stream.replace('word100', 'word101'), true],
  ])('%s', (_, status, body, streamed) => {
    expect(judged(status, body, streamed)).not.toBe(null)
  })
})

describe('a stream in any format', () => {
  const judged = (from: DialectName, events: Uint8Array[]) => {
    const body = Buffer.concat(events)
    const { answer } = readInPieces(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`), body]), 10_000)
    return faultOfFlow(answer, from)
  }
  it.each(DIALECTS)('of %s is judged by its words and its end', from => {
    const events = flowOf(from)
    expect(judged(from, events)).toBe(null)
    expect(judged(from, events.toSpliced(100, 1))).toBe('another text than the upstream gave')
    expect(judged(from, events.slice(0, 50))).toBe('another text than the upstream gave')
  })
  it('without its end is no answer', () => {
    expect(judged('openai-chat', flowOf('openai-chat').slice(0, -2))).toBe('a stream without its end')
  })
})

describe('requests', () => {
  it.each([2_000, 50_000])('have a body of exactly %i bytes, and differ', size => {
    const made = requests({ model: 'bench' }, size, true)
    const texts = made.map(request => request.toString())
    for (const text of texts) {
      expect(Buffer.byteLength(text.slice(text.indexOf('\r\n\r\n') + 4))).toBe(size)
      expect(text).toContain(`content-length: ${size}\r\n`)
    }
    expect(new Set(texts).size).toBe(made.length)
  })
})

describe('what is reported', () => {
  const cell = (contender: string, round: number, cpu_us: number, fault: string | null = null): Cell => ({
    scenario: 'json-2k-16',
    contender,
    round,
    answers: 100,
    answers_per_s: 1_000,
    cpu_us,
    cpu_us_per_event: null,
    p50_ms: cpu_us / 100,
    p99_ms: cpu_us / 50,
    first_byte_p50_ms: cpu_us / 100,
    cold_start_ms: null,
    resident_bytes: null,
    foreign: round === 2 ? 0.5 : 0,
    void: fault,
  })
  const contenders = [{ name: 'direct' }, { name: 'floor' }, { name: 'mine' }]
  const rows = summarize(
    [
      cell('direct', 1, 10),
      cell('direct', 2, 20),
      cell('floor', 1, 100),
      cell('floor', 2, 200),
      cell('mine', 1, 150),
      cell('mine', 2, 320),
      cell('mine', 3, 1, 'status 500'),
    ],
    contenders,
    0.1,
  )
  const mine = rows.find(row => row.contender === 'mine')

  it('is a ratio to the floor of the same round, with its spread', () => {
    expect(mine?.times_floor).toEqual({ median: 1.55, least: 1.5, greatest: 1.6 })
  })
  it('and a latency above the direct call of the same round', () => {
    expect(mine?.added_p50_ms?.least).toBeCloseTo(1.4)
  })
  it('leaves void cells out and says why', () => {
    expect([mine?.rounds, mine?.voids]).toEqual([2, ['status 500']])
  })
  it('marks rounds in which the machine was busy elsewhere', () => {
    expect(mine?.disturbed).toBe(1)
  })
  it('is a table in the order of the contenders', () => {
    const names = [...tables(rows).matchAll(/^\| (\w+) /gm)].map(([, name]) => name)
    expect(names).toEqual(['direct', 'floor', 'mine'])
  })
  it('has the middle of an even number of rounds, and nothing of none', () => {
    expect(spreadOf([3, 1, 2, 10])).toEqual({ median: 2.5, least: 1, greatest: 10 })
    expect(spreadOf([null])).toBe(null)
  })
})

describe('what stands in for KV, D1 and Durable Objects on plain workerd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bench-test-'))
  let worker: Started
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${worker.port}${path}`)).text()

  beforeAll(async () => {
    for (const [source, folder] of [
      ['workers/bindings.ts', 'bindings'],
      ['standins/kv.ts', 'kv'],
      ['standins/d1.ts', 'd1'],
    ] as const) {
      mkdirSync(join(directory, folder))
      await bundle(source, directory, folder)
    }
    writeFileSync(join(directory, 'kv/seed.txt'), JSON.stringify({ 'policy/default': 'the text', 'caller/a': '{}' }))
    writeFileSync(join(directory, 'd1/migrations.sql'), 'CREATE TABLE IF NOT EXISTS things (name TEXT, n INTEGER);')
    worker = await serve(directory, { folder: 'bindings', vars: {}, objects: { COUNTER: 'Counter' }, kv: 'KV', d1: 'DB' })
  })
  afterAll(async () => {
    await worker.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it('a value that was seeded is read, and one that is not there is null', async () => {
    expect([await ask('/seeded'), await ask('/absent')]).toEqual(['"the text"', 'null'])
    expect(JSON.parse(await ask('/many'))).toEqual({ 'policy/default': 'the text', 'policy/none': null })
  })
  it('a value is written with metadata under any key', async () => {
    expect(JSON.parse(await ask('/written'))).toMatchObject({ value: { n: 1 }, metadata: { by: 'test' } })
  })
  it('keys are listed by prefix', async () => {
    expect(JSON.parse(await ask('/listed'))).toEqual(['policy/default'])
  })
  it('KV refuses a life of less than a minute', async () => {
    expect(await ask('/too-soon')).toContain('at least 60')
  })
  it('D1 runs statements in a batch, all or none', async () => {
    expect(JSON.parse(await ask('/row'))).toEqual([
      { name: 'one', n: 1 },
      { name: 'two', n: null },
    ])
    expect(await ask('/half-a-batch')).toContain('no such table: nowhere')
    expect(await ask('/rows')).toBe('2')
  })
  it('an object keeps its rows', async () => {
    expect([await ask('/counted'), await ask('/counted')]).toEqual(['1', '2'])
  })
})

describe('a round', () => {
  it('gives valid cells: the direct call, the floor, and the router whole, streamed and failing over', { timeout: 60_000 }, async () => {
    const names = ['json-2k-16', 'burst-16', 'failover-16', 'gemini-to-anthropic-messages']
    const cells = await run({
      contenders: [...PEERS, ...SIGNALBOX].filter(({ name }) => ['direct', 'floor', 'signalbox'].includes(name)),
      scenarios: SCENARIOS.filter(({ name }) => names.includes(name)),
      rounds: 1,
      timing: { duration_ms: 100, warm_up_ms: 0, linger_ms: 0 },
      first_warm_up_ms: 100,
      minutes_at_most: 1,
    })
    // Only the router can fail over; the other two are asked the first two.
    expect(cells.map(({ scenario, contender, void: fault }) => `${scenario} ${contender}: ${fault}`).sort()).toEqual([
      'burst-16 direct: null',
      'burst-16 floor: null',
      'burst-16 signalbox: null',
      'failover-16 signalbox: null',
      'gemini-to-anthropic-messages floor: null',
      'gemini-to-anthropic-messages signalbox: null',
      'json-2k-16 direct: null',
      'json-2k-16 floor: null',
      'json-2k-16 signalbox: null',
    ])
    for (const { answers, cpu_us } of cells) {
      expect(answers).toBeGreaterThan(0)
      expect(cpu_us).toBeGreaterThan(0)
    }
  })
})

describe('the micro-benchmark', () => {
  it('times every step on every size and number of targets', () => {
    const rows = micro(0.002)
    expect(new Set(rows.map(({ what }) => what))).toEqual(new Set(['read', 'understand', 'decide', 'understand + decide']))
    expect(rows).toHaveLength(3 * PROMPT_BYTES.length + TARGETS.length)
    for (const { calls, p50_us, p99_us } of rows) {
      expect(calls).toBeGreaterThan(0)
      expect(p99_us).toBeGreaterThanOrEqual(p50_us)
    }
  })
})

describe('the benchmark of understanding in the runtime', () => {
  it('tells processor time of every size, and what the artefacts add', { timeout: 60_000 }, async () => {
    const { rows, artefacts } = await inRuntime(0.01)
    expect(rows.map(({ prompt_bytes }) => prompt_bytes)).toEqual(PROMPT_BYTES)
    for (const { p50_us, batch_p99_us, calls } of rows) {
      expect(calls).toBeGreaterThan(0)
      expect(p50_us).toBeGreaterThan(0)
      expect(batch_p99_us).toBeGreaterThanOrEqual(p50_us)
    }
    expect(artefacts.start_ms).toBeGreaterThan(0)
    expect(artefacts.resident_mb).toBeGreaterThan(1)
  })
})
