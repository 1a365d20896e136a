import { describe, expect, it } from 'vitest'
import { parseJsonText } from '../../worker/core/json-text.ts'
import { readBody } from '../../worker/routes/body.ts'

const LIMIT = { bytes: 16, ms: 20_000 }
/** A clock that never comes to the end of the wait, and one that is there at once. */
const patient = { after: () => () => undefined }
const impatient = {
  after(_: number, callback: () => void) {
    queueMicrotask(callback)
    return () => undefined
  },
}

const bytes = (text: string) => new TextEncoder().encode(text)

/** A body that comes in these parts, and a note of how it was left. */
function inParts(parts: (Uint8Array | 'breaks' | 'stalls')[]) {
  const left = { cancelled: false, pulled: 0 }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const part = parts[left.pulled++]
        if (part === undefined) controller.close()
        else if (part === 'breaks') controller.error(new Error('connection reset'))
        else if (part !== 'stalls') controller.enqueue(part)
        else return new Promise<void>(() => undefined)
      },
      cancel() {
        left.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { body, left }
}

const asked = (body: BodyInit | null, headers: Record<string, string> = {}) =>
  new Request('https://router.test/v1/chat/completions', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })

async function read(request: Request, effects: typeof patient | typeof impatient = patient) {
  const result = await readBody(request, LIMIT, effects)
  return result.ok ? new TextDecoder().decode(result.value) : result.error
}

describe('a body', () => {
  it('is read whole, declared or in parts', async () => {
    expect(await read(asked('{"a":1}', { 'content-length': '7' }))).toBe('{"a":1}')
    expect(await read(asked(inParts([bytes('{"a"'), bytes(':1}')]).body))).toBe('{"a":1}')
  })
  it('may be empty; what that means is for its reader to say', async () => {
    expect(await read(asked(null))).toBe('')
    expect(await read(asked(''))).toBe('')
    expect(await read(asked(inParts([]).body))).toBe('')
  })
  it('may be as long as the limit', async () => {
    expect(await read(asked('x'.repeat(16), { 'content-length': '16' }))).toHaveLength(16)
    expect(await read(asked(inParts([bytes('x'.repeat(8)), bytes('x'.repeat(8))]).body))).toHaveLength(16)
  })
})

describe('a body longer than the limit', () => {
  const too_large = { code: 'body_too_large', limit: 16 }
  it('is refused by its declared length, unread where that is more than four times the limit', async () => {
    const { body, left } = inParts([bytes('x')])
    expect(await read(asked(body, { 'content-length': '65' }))).toEqual(too_large)
    expect(left.pulled).toBe(0)
  })
  it('is refused by its declared length, and let through first, as who still sends does not hear the reason', async () => {
    const { body, left } = inParts([bytes('x'.repeat(16)), bytes('x')])
    expect(await read(asked(body, { 'content-length': '17' }))).toEqual(too_large)
    expect(left.pulled).toBe(3)
  })
  it('is cut where it does not come though its length is declared', async () =>
    expect(await read(asked(inParts(['stalls']).body, { 'content-length': '17' }), impatient)).toEqual(too_large))
  it('is left where it is longer than was declared', async () => {
    const { body, left } = inParts(Array.from({ length: 9 }, () => bytes('x'.repeat(16))))
    expect(await read(asked(body, { 'content-length': '17' }))).toEqual(too_large)
    expect(left).toEqual({ cancelled: true, pulled: 5 })
  })
  it('is refused where the declared length lies', async () =>
    expect(await read(asked('x'.repeat(17), { 'content-length': '5' }))).toEqual(too_large))
  it('is refused where the declared length is no number', async () =>
    expect(await read(asked('x'.repeat(17), { 'content-length': 'few' }))).toEqual(too_large))
  it('is cut at the first byte beyond, and the rest is not read', async () => {
    const { body, left } = inParts([bytes('x'.repeat(16)), bytes('x'), bytes('never'), bytes('read')])
    expect(await read(asked(body))).toEqual(too_large)
    expect(left).toEqual({ cancelled: true, pulled: 2 })
  })
})

describe('a body that comes too slowly', () => {
  it('is cut when its time is over', async () => {
    const { body, left } = inParts([bytes('{'), 'stalls'])
    expect(await read(asked(body), impatient)).toEqual({ code: 'body_too_slow', limit_ms: 20_000 })
    expect(left.cancelled).toBe(true)
  })
  it('is cut, its length declared or not', async () =>
    expect(await read(asked(inParts(['stalls']).body, { 'content-length': '5' }), impatient)).toEqual({
      code: 'body_too_slow',
      limit_ms: 20_000,
    }))
})

describe('the timer of a body', () => {
  it('is taken back once the body is there', async () => {
    let running = 0
    const counting = {
      after() {
        running++
        return () => {
          running--
          return undefined
        }
      },
    }
    expect(await read(asked('{}', { 'content-length': '2' }), counting)).toBe('{}')
    expect(running).toBe(0)
  })
})

describe('a body that breaks off', () => {
  it('means that the caller left', async () =>
    expect(await read(asked(inParts([bytes('{'), 'breaks']).body))).toEqual({ code: 'caller_left' }))
})

describe('the type of a body', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON ; Charset=utf8',
    'application/json; profile=x',
  ])('may be %s', async type => expect(await read(asked('{}', { 'content-type': type }))).toBe('{}'))
  it.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    '',
  ])('may not be %j', async type =>
    expect(await read(asked('{}', { 'content-type': type }))).toMatchObject({ code: 'unsupported_media_type' }),
  )
  it('must be said', async () => {
    const request = new Request('https://router.test/', { method: 'POST', body: bytes('{}') })
    request.headers.delete('content-type')
    expect(await read(request)).toEqual({ code: 'unsupported_media_type', got: 'no content-type', wanted: 'application/json' })
  })
  it('with a boundary of a megabyte is refused like any other', async () => {
    expect(await read(asked('{}', { 'content-type': `multipart/form-data; boundary=${'-'.repeat(100_000)}` }))).toMatchObject({
      code: 'unsupported_media_type',
    })
  })
})

describe('a compressed body', () => {
  it.each(['gzip', 'br', 'identity, gzip'])('%s is refused', async encoding =>
    expect(await read(asked('{}', { 'content-encoding': encoding }))).toEqual({ code: 'unsupported_encoding', got: encoding }),
  )
  it('is not one that says identity', async () => expect(await read(asked('{}', { 'content-encoding': 'Identity' }))).toBe('{}'))
})

describe('what the runtime itself decodes and parses', () => {
  const said = (...body: number[]) => {
    const parsed = parseJsonText(Uint8Array.from(body))
    return parsed.ok ? parsed.value.value : parsed.error
  }
  it('is refused as it is everywhere: a byte order mark, bytes that are no UTF-8, an escape that JSON does not have', () => {
    expect(said(0xef, 0xbb, 0xbf, 0x7b, 0x7d)).toMatchObject({ message: expect.stringContaining('byte order mark') })
    expect(said(...bytes('{"a":"'), 0xff, ...bytes('"}'))).toMatchObject({ message: expect.stringContaining('byte 6 cannot be read') })
    expect(said(...bytes('{"a":"\\x"}'))).toMatchObject({
      message: expect.stringContaining('an escape that JSON does not have (line 1, column 8)'),
    })
  })
  it('is read as it is everywhere', () => expect(said(...bytes('{"a":"日本 \\u00e9"}'))).toEqual({ a: '日本 é' }))
})
