/**
 * Rows of the fault catalogue that need no server: readers and relays over every way to cut their bytes, and the real dispatch in
 * virtual time where what counts is when, and that it is settled once.
 */
import { grantProbe, LEASE_MS, newGate, step } from '../core/health/usual.ts'
import '../stream/stand-in.ts'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import { RETRY_AFTER_AT_MOST_MS, retryAfter } from '../../worker/dispatch/retry-after.ts'
import type { DialectName } from '../../worker/schema/chat.ts'
import { relay } from '../../worker/stream/relay.ts'
import { continuation } from '../../worker/stream/splice.ts'
import { encodeEvents, sseParser } from '../../worker/stream/sse.ts'
import { codec, RECORDINGS, relayed } from '../conformance/replay.ts'
import { having, outcome, START } from '../core/health/outcomes.ts'
import { frame, recorded } from '../dialects/bedrock-converse/frames.ts'
import { callFor, DONE, FINISH, ROLE, type Script, streams, token, USAGE, world } from '../dispatch/world.ts'
import { row } from './note.ts'

const encoder = new TextEncoder()
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const NOW_MS = Date.parse('2026-11-24T08:00:00Z')
const waits = (headers: Record<string, string>) => retryAfter(new Headers(headers), NOW_MS)

/** Events of a stream whose bytes come in these chunks. */
function parsed(chunks: Uint8Array[]): SseEvent[] {
  const events: SseEvent[] = []
  const parser = sseParser(event => events.push(event))
  for (const chunk of chunks) parser.push(chunk)
  parser.end()
  return events
}
const splitAt = (bytes: Uint8Array, at: number) => [bytes.subarray(0, at), bytes.subarray(at)]
const bytewise = (bytes: Uint8Array) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
const recording = (from: DialectName, holds: string) => {
  const found = RECORDINGS.find(each => each.from === from && !each.failed && text(each.bytes).includes(holds))
  if (found === undefined) throw new Error(`no recording of ${from} holds ${holds}`)
  return found
}
const chunkOf = (rest: object) =>
  `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm1', ...rest })}\n\n`
const delta = (fields: object, index = 0, finish: string | null = null) =>
  chunkOf({ choices: [{ index, delta: fields, finish_reason: finish }] })

async function delivered(script: Script, leave: 'never' | 'before' | 'begun' | 'middle' | 'after' = 'never') {
  const at = world({ a: [script] })
  const leaves = new AbortController()
  const promise = dispatch(callFor(at, true, { gone: leaves.signal, plan: { total_ms: 600_000 } }), at.carrier)
  if (leave === 'before') {
    await at.clock.advance(100)
    leaves.abort()
  }
  const carried = await at.clock.run(promise)
  if (!carried.ok) return { at, text: '', ended: carried.error, left_at_ms: at.clock.nowMs() }
  const { body, ended } = carried.value.release()
  if (leave === 'never' || leave === 'after') {
    const whole = await at.clock.run(new Response(body).text())
    if (leave === 'after') leaves.abort()
    return { at, text: whole, ended: await at.clock.run(ended), left_at_ms: at.clock.nowMs() }
  }
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  await at.clock.run(reader.read())
  if (leave === 'middle') await at.clock.advance(250)
  leaves.abort()
  const left_at_ms = at.clock.nowMs()
  return { at, text: '', ended: await at.clock.run(ended), left_at_ms }
}

describe('how long to wait', () => {
  row('F13', 'pure', '429 with a date, past or to come', 'read as a date; past is now, and more than an hour is an hour', () => {
    expect(waits({ 'retry-after': 'Tue, 24 Nov 2026 08:00:30 GMT' })).toBe(30_000)
    expect(waits({ 'retry-after': 'Tue, 24 Nov 2026 07:00:00 GMT' })).toBe(0)
    expect(waits({ 'retry-after': 'Fri, 24 Nov 2036 08:00:00 GMT' })).toBe(RETRY_AFTER_AT_MOST_MS)
    return '30 s, 0 s and the bound'
  })
  row('F14', 'pure', 'Retry-After 999999, negative, NaN, 1e309', 'bounded or ignored: never a loop, never for ever', () => {
    expect(waits({ 'retry-after': '999999' })).toBe(RETRY_AFTER_AT_MOST_MS)
    for (const none of ['-5', 'NaN', '1e309', 'Infinity', '']) expect(waits({ 'retry-after': none })).toBeNull()
    return 'one bounded, five ignored'
  })
  row('F16', 'pure', 'a short limit, then a long one, then a short one', 'the longest deadline wins', () => {
    const limited = [2_000, 60_000, 1_000].reduce(
      (gate, retry_after_ms, i) => step(gate, outcome('rate', START + i, { retry_after_ms }), START + i, 0.5),
      newGate(START),
    )
    expect(limited.limited_until_ms).toBe(START + 1 + 60_000)
    expect(limited.state).toBe('closed')
    return 'left alone for 60 s, gate closed'
  })
  row(
    'F17',
    'pure',
    'retry-after-ms, x-ratelimit-reset-*, anthropic-ratelimit-*',
    'honoured where the limit is used up, and bounded',
    () => {
      expect(waits({ 'retry-after-ms': '1500', 'retry-after': '9' })).toBe(1_500)
      expect(waits({ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' })).toBe(360_000)
      expect(waits({ 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '2026-11-24T08:00:09Z' })).toBe(9_000)
      expect(waits({ 'x-ratelimit-remaining-tokens': '5', 'x-ratelimit-reset-tokens': '6m0s' })).toBeNull()
      return '1.5 s, 6 min, 9 s, none'
    },
  )
})

describe('errors inside a stream, of other formats', () => {
  row('F52', 'dispatch', 'an exception frame of Bedrock inside a 200', 'an error in band, and evidence against the target', async () => {
    const events = recorded('amazon-bedrock-reasoning')
    const from = codec('bedrock-converse')
    const flow = relay({ from, to: codec('openai-chat'), drop_usage: false, choices: 1 })
    for (const event of events.slice(0, 4)) flow.push(frame(event))
    flow.push(frame({ event: 'throttlingException', data: '{"message":"Too many requests"}' }))
    expect(flow.state).toBe('error')
    expect(flow.complete).toBe(false)
    expect(flow.seen.error?.message).toContain('Too many')
    return `state ${flow.state}, complete ${flow.complete}`
  })
  row('F53', 'pure', 'response.failed and response.incomplete', 'an error, and a reason that is no "stop"', () => {
    const begun: SseEvent[] = [
      { event: 'response.created', data: '{"type":"response.created","response":{"id":"r","model":"m","output":[]}}' },
      {
        event: 'response.output_text.delta',
        data: '{"type":"response.output_text.delta","output_index":0,"content_index":0,"item_id":"i","delta":"Hi"}',
      },
    ]
    const ending = (type: string, rest: object): SseEvent => ({
      event: type,
      data: JSON.stringify({ type, response: { id: 'r', model: 'm', output: [], ...rest } }),
    })
    const failed = relayed(
      [encodeEvents([...begun, ending('response.failed', { status: 'failed', error: { code: 'server_error', message: 'x' } })])],
      'openai-responses',
      'openai-chat',
    )
    expect(failed.complete).toBe(false)
    expect(text(failed.bytes)).not.toContain('"finish_reason":"stop"')
    const cut = relayed(
      [
        encodeEvents([
          ...begun,
          ending('response.incomplete', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }),
        ]),
      ],
      'openai-responses',
      'openai-chat',
    )
    expect(text(cut.bytes)).toContain('"finish_reason":"length"')
    return 'failed: not complete; incomplete: length'
  })
})

describe('bytes, cut anywhere', () => {
  row('F54', 'pure', 'UTF-8 split at every byte', 'the same bytes, whatever the split', () => {
    const bytes = encoder.encode(`${ROLE}${token('ä€🚂 naïve 漢字')}${FINISH}${DONE}`)
    for (let at = 0; at <= bytes.length; at++)
      expect(text(relayed(splitAt(bytes, at), 'openai-chat', 'openai-chat').bytes)).toBe(text(bytes))
    expect(text(relayed(bytewise(bytes), 'openai-chat', 'openai-chat').bytes)).toBe(text(bytes))
    return `${bytes.length + 2} splits, no difference`
  })
  row('F55', 'pure', 'CRLF, CR, mixed, and split between the two', 'the same events', () => {
    const want = parsed([encoder.encode('data: a\n\ndata: b\ndata: c\n\n')])
    let splits = 0
    for (const ends of ['\r\n', '\r', '\n']) {
      const bytes = encoder.encode(`data: a${ends}${ends}data: b${ends}data: c${ends}${ends}`)
      for (let at = 0; at <= bytes.length; at++, splits++) expect(parsed(splitAt(bytes, at))).toEqual(want)
    }
    expect(parsed([encoder.encode('data: a\r\n\ndata: b\ndata: c\r\r')])).toEqual(want)
    return `${splits} splits, no difference`
  })
  row('F56', 'pure', 'no space behind the colon, several data lines, a byte order mark, id and retry', 'as the standard has it', () => {
    expect(parsed([encoder.encode('\uFEFFid: 1\nretry: 5\ndata:x\ndata: y\n\n')])).toEqual([{ event: null, data: 'x\ny' }])
    return 'one event, "x\\ny"'
  })
  row('F57', 'pure', 'comments glued to data; : OPENROUTER PROCESSING', 'no event; the answer is whole', () => {
    const bytes = encoder.encode(`: OPENROUTER PROCESSING\n\n:\n: x\n${ROLE}: OPENROUTER PROCESSING\n${token('Hi')}${FINISH}${DONE}`)
    const { complete, bytes: out } = relayed([bytes], 'openai-chat', 'anthropic-messages')
    expect(complete).toBe(true)
    for (const line of text(out).split('\n')) if (line.includes('OPENROUTER')) expect(line).toMatch(/^: /)
    expect(text(out)).toContain('"text":"Hi"')
    return 'complete; comments stay comments'
  })
  row('F58', 'pure', 'invalid UTF-8, lone surrogates, NUL', 'U+FFFD, and no crash', () => {
    const bytes = Uint8Array.of(...encoder.encode('data: a\u0000'), 0xff, 0xed, 0xa0, 0x80, 0xc3, 0x0a, 0x0a)
    const [event] = parsed([bytes])
    expect(event?.data.startsWith('a\u0000\uFFFD')).toBe(true)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), any => void parsed([any])),
      { numRuns: 300 },
    )
    const broken = relayed(
      [encoder.encode(ROLE), Uint8Array.of(0xff, 0xfe), encoder.encode(`${FINISH}${DONE}`)],
      'openai-chat',
      'anthropic-messages',
    )
    expect(broken.bytes.length).toBeGreaterThan(0)
    return 'replaced; 300 random inputs read'
  })
  row('F60', 'pure', 'a hundred thousand events in chunks of a byte', 'linear time', () => {
    const timed = (events: number) => {
      const bytes = encoder.encode('data: x\n\n'.repeat(events))
      const started_ms = performance.now()
      const parser = sseParser(() => {})
      for (let i = 0; i < bytes.length; i++) parser.push(bytes.subarray(i, i + 1))
      return performance.now() - started_ms
    }
    timed(1_000)
    const [some, many] = [timed(10_000), timed(100_000)]
    expect(many / some).toBeLessThan(30)
    return `${Math.round(some)} ms for a tenth, ${Math.round(many)} ms for all`
  })
  row('F67', 'pure', 'events and fields nobody knows', 'passed on, or left out; never fatal', () => {
    const bytes = encoder.encode(
      `event: mystery\ndata: {"type":"mystery","x":1}\n\n${ROLE}${token('Hi').replace('"object"', '"tomorrow":{"y":2},"object"')}${FINISH}${DONE}`,
    )
    const same = relayed([bytes], 'openai-chat', 'openai-chat')
    expect(same.complete).toBe(true)
    expect(text(same.bytes)).toContain('"tomorrow":{"y":2}')
    expect(relayed([bytes], 'openai-chat', 'openai-responses').complete).toBe(true)
    return 'complete in both'
  })
  row('F63', 'pure', 'gaps between the indexes of calls, ids said twice, several answers', 'kept as they are', () => {
    const call = (index: number, id: string | null, args: string) =>
      delta({
        tool_calls: [
          {
            index,
            ...(id && { id, type: 'function', function: { name: 'f', arguments: args } }),
            ...(!id && { function: { arguments: args } }),
          },
        ],
      })
    const bytes = encoder.encode(
      `${ROLE}${call(0, 'c0', '{')}${call(3, 'c3', '{')}${call(0, null, '}')}${call(3, 'c3', '}')}${delta({ content: 'other' }, 1)}${delta({}, 0, 'tool_calls')}${delta({}, 1, 'stop')}${DONE}`,
    )
    const flow = relay({ from: codec('openai-chat'), to: codec('openai-chat'), drop_usage: false, choices: 2 })
    flow.push(bytes)
    flow.finish()
    expect(Buffer.concat(flow.take()).toString()).toBe(text(bytes))
    expect(flow.complete).toBe(true)
    return 'byte for byte'
  })
  row('F64', 'pure', 'thoughts with their signatures', 'kept to the byte', () => {
    const { bytes } = recording('anthropic-messages', 'signature_delta')
    expect(text(relayed(bytewise(bytes), 'anthropic-messages', 'anthropic-messages').bytes)).toBe(text(bytes))
    return `${bytes.length} bytes, the same`
  })
  row('F68', 'pure', 'id and model change between chunks', 'translated, the first id is kept', () => {
    const bytes = encoder.encode(
      `${ROLE.replace('"id":"', '"id":"first-')}${token('a').replace('"id":"', '"id":"second-')}${FINISH}${DONE}`,
    )
    const out = text(relayed([bytes], 'openai-chat', 'anthropic-messages').bytes)
    expect(out.match(/"type":"message_start"/g)).toHaveLength(1)
    expect(out).not.toContain('second-')
    return 'one message'
  })
})

describe('what is counted', () => {
  const using = (usage: object | null) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [], usage })}\n\n`
  row(
    'F61',
    'dispatch',
    'usage absent, last, in every chunk, with content, negative, huge, null, nought',
    'the last that can be true; else an estimate that says so',
    async () => {
      const count = async (...pieces: string[]) => {
        const { ended } = await delivered(streams(ROLE, token('12345678'), ...pieces, FINISH, DONE))
        return `${ended.usage.output_tokens}${ended.usage_estimated ? ' estimated' : ''}`
      }
      const told = (output: unknown) => using({ prompt_tokens: 9, completion_tokens: output })
      const seen = [
        await count(),
        await count(USAGE),
        await count(told(1), told(2), told(3)),
        await count(token('9').replace('"choices"', '"usage":{"prompt_tokens":9,"completion_tokens":5},"choices"')),
        await count(told(-4)),
        await count(told(1e300)),
        await count(using(null)),
        await count(told(0)),
      ]
      expect(seen.slice(0, 4)).toEqual(['2 estimated', '4', '3', '5'])
      expect(seen[6]).toBe('2 estimated')
      expect(seen[7]).toBe('0')
      for (const wrong of [seen[4], seen[5]]) expect(wrong).toMatch(/^(null|2 estimated)$/)
      return seen.join(', ')
    },
  )
})

describe('what was said twice', () => {
  row('F71', 'pure', 'who goes on repeats the last words', 'each letter once', () => {
    const words = fc.array(fc.constantFrom('alpha ', 'beta ', 'gamma ', 'delta ', 'epsilon '), { minLength: 30, maxLength: 60 })
    fc.assert(
      fc.property(words, fc.nat(200), fc.integer({ min: 16, max: 120 }), fc.integer({ min: 1, max: 9 }), (list, at, overlap, size) => {
        const whole = list.map((word, i) => `${i}${word}`).join('')
        const cut = Math.min(whole.length - 1, Math.max(130, at))
        const sent = whole.slice(0, cut).trimEnd()
        const rest = whole.slice(sent.length - overlap)
        const seam = continuation(sent)
        let out = ''
        for (let from = 0; from < rest.length; from += size) out += seam.text(rest.slice(from, from + size))
        expect(sent + out + seam.end()).toBe(whole)
      }),
      { numRuns: 300 },
    )
    return '300 texts joined to the letter'
  })
})

describe('callers who read slowly or leave', () => {
  row(
    'F72',
    'dispatch',
    'a caller who reads nothing for longer than the limit between events',
    'the target waits, with a bounded number of bytes between; nobody is called silent',
    async () => {
      let sent = 0
      const piece = encoder.encode(token('x'.repeat(1_000)))
      const steps = new Proxy([...Array.from({ length: 600 }, () => piece), FINISH, DONE], {
        get(list, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) sent = Math.max(sent, Number(key) + 1)
          return Reflect.get(list, key)
        },
      })
      const at = world({ a: [{ headers: { 'content-type': 'text/event-stream' }, body: steps }] })
      const carried = await at.clock.run(dispatch(callFor(at, true), at.carrier))
      if (!carried.ok) throw new Error('no answer')
      const { body, ended } = carried.value.release()
      const reader = (body as ReadableStream<Uint8Array>).getReader()
      await at.clock.run(reader.read())
      await at.clock.advance(10_000)
      const buffered = sent * piece.length
      expect(buffered).toBeLessThan(256 * 1024)
      for (;;) if ((await at.clock.run(reader.read())).done) break
      expect((await at.clock.run(ended)).outcome).toBe('completed')
      return `${Math.round(buffered / 1024)} kB ahead, then complete`
    },
  )
  const long = () => streams(token('Hi'), ...Array.from({ length: 60 }, () => [{ wait_ms: 100 }, token('x')]).flat(), FINISH, DONE)
  row(
    'F73',
    'dispatch',
    'the caller leaves before headers, at the first token, in the middle, after the end',
    'settled once, each as what it was',
    async () => {
      const before = await delivered({ silent: true }, 'before')
      const begun = await delivered(long(), 'begun')
      const middle = await delivered(long(), 'middle')
      const after = await delivered(streams(token('Hi'), FINISH, DONE), 'after')
      const outcomes = [before, begun, middle, after].map(({ ended }) => ended.outcome)
      expect(outcomes).toEqual(['caller_left', 'caller_left', 'caller_left', 'completed'])
      for (const { at } of [before, begun, middle, after]) {
        await at.clock.settle()
        expect(at.reports.filter(({ class: kind }) => kind !== 'late')).toHaveLength(1)
      }
      return outcomes.join(', ')
    },
  )
  row('F74', 'dispatch', 'the caller leaves, and the target goes on for ten minutes', 'its call is closed within 20 s', async () => {
    const endless = streams(token('Hi'), ...Array.from({ length: 6_000 }, () => [{ wait_ms: 100 }, token('x')]).flat(), FINISH, DONE)
    const { at, ended, left_at_ms } = await delivered(endless, 'middle')
    await at.clock.settle()
    expect(ended.outcome).toBe('caller_left')
    expect(at.received[0]?.aborted).toBe(true)
    expect(at.clock.nowMs() - left_at_ms).toBeLessThanOrEqual(20_000)
    return `closed after ${at.clock.nowMs() - left_at_ms} ms`
  })
})

describe('a late first token, hedged', () => {
  const begins = (text: string, after_ms: number): Script => streams({ wait_ms: after_ms }, ROLE, token(text), FINISH, DONE)
  row(
    'F40',
    'dispatch',
    'both the first target and the hedge answer',
    'who begins first answers; the other is closed, and both are written down',
    async () => {
      const at = world({ a: [begins('slow', 900)], b: [begins('quick', 100)] })
      const carried = await at.clock.run(dispatch(callFor(at, true, { plan: { hedge: { step: 1, after_ms: 200, share: 1 } } }), at.carrier))
      if (!carried.ok) throw new Error('no answer')
      const { body, ended } = carried.value.release()
      const answer = await at.clock.run(new Response(body).text())
      const { attempts } = await at.clock.run(Promise.resolve(ended))
      expect(answer).toContain('quick')
      expect(answer).not.toContain('slow')
      expect(at.received[0]?.aborted).toBe(true)
      const told = attempts.map(each => `${each.target} ${each.role} ${each.class}`)
      expect(told).toEqual(['a answer cancelled', 'b hedge ok'])
      return told.join(', ')
    },
  )
  row('F41', 'dispatch', 'every target is slow', 'hedges are a share of the requests: 5 % more calls at most', async () => {
    const scripts = () => Array.from({ length: 200 }, () => begins('slow', 700))
    const at = world({ a: scripts(), b: scripts() })
    for (let n = 0; n < 200; n++) {
      await at.clock.run(dispatch(callFor(at, true, { plan: { hedge: { step: 1, after_ms: 200, share: 0.05 } } }), at.carrier))
    }
    const hedges = at.received.filter(({ target }) => target === 'b').length
    expect(hedges).toBeLessThanOrEqual(10)
    return `${hedges} hedges for 200 requests`
  })
})

describe('clocks and leases', () => {
  row('F93', 'pure', 'the clock jumps by an hour either way, or stands still', 'no wait without end, and nothing opens for it', () => {
    let gate = newGate(START)
    for (const jump_ms of [0, 3_600_000, -3_600_000, 0, 0, -7_200_000, 7_200_000]) {
      for (let i = 0; i < 50; i++) {
        const now_ms = START + 10_000_000 + jump_ms
        gate = step(
          gate,
          outcome(i % 50 === 7 ? 'server' : 'ok', now_ms, { org: `o${i % 3}`, sent_at_ms: now_ms - 100, first_token_ms: 100 }),
          now_ms,
          0.5,
        )
      }
    }
    expect(gate.state).toBe('closed')
    const open = having('connection', 5, 0, newGate(START), START + 10_000_000).gate
    const back = step(open, 'tick', START, 0.5)
    expect(open.state).toBe('open')
    expect((back.until_ms ?? 0) - START).toBeLessThanOrEqual(18_000)
    return 'closed throughout; an open one waits 18 s at most'
  })
  row('F104', 'pure', 'whoever holds the lease to probe dies', 'it lapses after 15 s, and the next may probe after a wait', () => {
    const { gate, now_ms } = having('connection', 5, 1)
    const asked_ms = now_ms + 20_000
    const leased = grantProbe(gate, asked_ms)
    expect(leased.granted).toBe(true)
    expect(grantProbe(leased.gate, asked_ms + LEASE_MS - 1).granted).toBe(false)
    expect(grantProbe(leased.gate, asked_ms + LEASE_MS + 18_000).granted).toBe(true)
    return `lease of ${LEASE_MS} ms, then another`
  })
})
