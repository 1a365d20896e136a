import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wording } from '../../worker/core/errors.ts'
import { MAX_CONTAINERS, MAX_DEPTH, MAX_KEYS } from '../../worker/core/json-scan.ts'
import { type JsonText, parseJsonText, splice } from '../../worker/core/json-text.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => parseJsonText(bytes(text))

function good(text: string): JsonText {
  const result = read(text)
  if (!result.ok) throw new Error(wording(result.error))
  return result.value
}
const messageOf = (body: Uint8Array): string => {
  const result = parseJsonText(body)
  return result.ok ? 'accepted' : wording(result.error)
}
const refusal = (text: string) => messageOf(bytes(text))

describe('a body that is one JSON object', () => {
  it('is its text and its value', () => {
    const json = good(' {"model": "auto", "n": 1} ')
    expect(json.text).toBe(' {"model": "auto", "n": 1} ')
    expect(json.value).toEqual({ model: 'auto', n: 1 })
  })
  it('tells where the value of each top-level member lies', () => {
    const json = good('{"a" : [1, {"b": 2}] ,"b":"x\\"y"}')
    const at = (key: string) => json.text.slice(json.span(key)?.start, json.span(key)?.end)
    expect([at('a'), at('b')]).toEqual(['[1, {"b": 2}]', '"x\\"y"'])
    expect(json.span('c')).toBeNull()
  })
  it('knows a member by its name however it is spelled', () =>
    expect(good('{"m\\u006fdel":1}').span('model')).toMatchObject({ start: 14, end: 15 }))
  it('may hold every character, in any script', () => expect(good('{"a":"日本語 🚂 \\ud83d \\u0000"}').value.a).toBe('日本語 🚂 \ud83d \0'))
  it('reads as JSON.parse reads it, whatever it is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(good(text).value).toEqual(JSON.parse(text))
      }),
    )
  })
  it('is refused exactly where JSON.parse refuses it, if one character changes', () => {
    const text = '{"a":[1,-2.5e3,true,null,"x\\n"],"key":{"c":""}}'
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...'{}[]",:\\0123456789.eE+-truefalsn \u0000\n'), (at, c) => {
        const changed = text.slice(0, at) + c + text.slice(at + 1)
        let parses = true
        try {
          JSON.parse(changed)
        } catch {
          parses = false
        }
        expect(read(changed).ok, changed).toBe(parses)
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('a body that is not one JSON object is refused, saying what and where', () => {
  it.each([
    ['nothing', '', 'the body is empty'],
    ['null', 'null', 'it is a single value; send one JSON object (line 1, column 1)'],
    ['a number', '42', 'it is a single value'],
    ['a string', '"model"', 'it is a single value'],
    ['an array', '[]', 'it is an array; send one JSON object'],
    ['a page', '<html>', 'expected a JSON object, found "<"'],
    ['spaces', '  \n', 'it ends in the middle'],
    ['two objects', '{}{}', 'expected nothing more after the object, found "{" (line 1, column 3)'],
    ['half an object', '{"a":1', 'it ends in the middle (line 1, column 7)'],
    ['half a string', '{"a":"b', 'a string never ends'],
    ['a string that ends in a backslash', '{"a":"b\\"', 'a string never ends'],
    ['a comma too many', '{"a":1,}', 'expected a name in double quotes, found "}" (line 1, column 8)'],
    ['a comma too few', '{"a":1\n "b":2}', 'expected "," or the end of the list, found """ (line 2, column 2)'],
    ['a name without quotes', '{a:1}', 'expected a name in double quotes or "}", found "a"'],
    ['a bracket that closes a brace', '{"a":1]', 'expected "," or the end of the list, found "]"'],
    ['NaN', '{"a":NaN}', 'expected a value, found "N"'],
    ['a leading zero', '{"a":01}', 'a number is not written as JSON writes them'],
    ['a bare minus', '{"a":-}', 'a number is not written as JSON writes them'],
    ['a comment', '{/* */}', 'found "/"'],
    ['a NUL outside a string', '{\0"a":1}', 'found U+0000 (line 1, column 2)'],
    ['a NUL in a string', '{"a":"\0"}', 'a raw control character'],
    ['an unknown escape', '{"a":"\\x"}', 'an escape that JSON does not have (line 1, column 8)'],
    ['a byte order mark', '\ufeff{}', 'a byte order mark'],
  ])('%s', (_, text, what) => expect(refusal(text)).toContain(what))

  it('bytes that are no UTF-8, at the first of them', () => {
    expect(messageOf(Uint8Array.of(...bytes('{"a":"'), 0xc3, 0x28, ...bytes('"}')))).toContain('byte 6 cannot be read')
    expect(messageOf(Uint8Array.of(...bytes('{"é":"'), 0xed, 0xa0, 0x80, ...bytes('"}')))).toContain('byte 7 cannot be read')
    expect(messageOf(Uint8Array.of(0x7b, 0xf0, 0x9f))).toContain('byte 1 cannot be read')
  })
  it('UTF-16, with a mark and without', () => {
    expect(messageOf(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0))).toContain('not UTF-8')
    expect(messageOf(Uint8Array.of(0, 0x7b, 0, 0x7d))).toContain('is it UTF-16?')
  })
})

describe('a number too large to be one', () => {
  it.each(['1e400', '-1e400', '1e309', `1${'0'.repeat(400)}`, '1.9e308'])('%s is refused', number =>
    expect(refusal(`{"a":${number}}`)).toContain('a number is too large'),
  )
  it.each(['1e308', '-1.7e308', '1e-400', '0.1e+30', '-0'])('%s is a number', number => expect(read(`{"a":${number}}`).ok).toBe(true))
})

describe('a name that stands twice in one object', () => {
  it.each([
    ['at the top', '{"a":1,"a":1}', '"a" is in one object twice', 'column 8'],
    ['deep inside', '{"m":[{"x":{}},{"b":1,"c":2,"b":3}]}', '"b" is in one object twice', 'column 29'],
    ['spelled in two ways', '{"model":1,"m\\u006fdel":2}', '"model" is in one object twice', 'column 12'],
    ['and is empty', '{"":1,"":2}', '"" is in one object twice', 'column 7'],
  ])('%s is refused', (_, text, what, where) => {
    expect(refusal(text)).toContain(what)
    expect(refusal(text)).toContain(where)
  })
  it('may stand in two objects', () => expect(read('{"a":{"b":1},"b":{"a":"a"}}').ok).toBe(true))
})

describe('names that mean something to JavaScript', () => {
  const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"prototype":1,"toString":"x"}'
  it('are members like any other', () => {
    const { value } = good(text)
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'prototype', 'toString'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
  it('pass untouched through an edit', () => expect(splice(good(text), { model: 'm' })).toBe(`${text.slice(0, -1)},"model":"m"}`))
  it('are known twice when they stand twice', () => expect(refusal('{"__proto__":1,"__proto__":2}')).toContain('twice'))
})

describe('the bounds', () => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  const names = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join()}}`
  it('are on depth', () => {
    expect(read(nested(MAX_DEPTH)).ok).toBe(true)
    expect(refusal(nested(MAX_DEPTH + 1))).toContain('deeper than 64 levels')
  })
  it('are on names', () => {
    expect(read(names(MAX_KEYS)).ok).toBe(true)
    expect(refusal(names(MAX_KEYS + 1))).toContain('more than 10000 names')
  })
  it('are on objects and arrays', () => {
    const list = (count: number) => `{"a":[${Array(count).fill('{}').join()}]}`
    expect(read(list(MAX_CONTAINERS - 2)).ok).toBe(true)
    expect(refusal(list(MAX_CONTAINERS - 1))).toContain('more than 20000 objects and arrays')
  })
})

/** Four megabytes of one long string, which nobody could read faster: on a machine shared with others it takes longer too, and so may the rest. */
const SLOWED = (() => {
  const plain = bytes(`{"a":"${'\\\\'.repeat(2_000_000)}"}`)
  const runs = [1, 2, 3].map(() => {
    const began = process.threadCpuUsage()
    JSON.parse(new TextDecoder().decode(plain))
    return process.threadCpuUsage(began).user / 1_000
  })
  return Math.max(1, Math.min(...runs) / 15)
})()

describe('four hostile megabytes', () => {
  const MB4 = 4_000_000
  it.each([
    ['brackets', `{"a":${'['.repeat(MB4)}`],
    ['200,000 levels', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['a million names', `{${Array.from({ length: 400_000 }, (_, i) => `"${i}":1`).join()}}`],
    ['a million messages', `{"messages":[${Array(1_000_000).fill('{}').join()}]}`],
    ['numbers', `{"a":[${Array(2_000_000).fill('1').join()}]}`],
    ['large exponents', `{"a":[${Array(600_000).fill('1e308').join()}]}`],
    ['escaped quotes', `{"a":"${'\\"'.repeat(MB4 / 2)}"}`],
    ['backslashes', `{"a":"${'\\\\'.repeat(MB4 / 2)}"}`],
    ['quotes', `{"a":${'"'.repeat(MB4)}`],
    ['spaces', `{${' '.repeat(MB4)}`],
    ['line ends and a fault', `{${'\n'.repeat(MB4)}x`],
  ])('of %s are read or refused in milliseconds', (_, text) => {
    const body = bytes(text)
    // Processor time, the best of five: the machine may be busy, and the claim is about the work.
    const took = Math.min(
      ...[1, 2, 3, 4, 5].map(() => {
        const began = process.threadCpuUsage()
        parseJsonText(body)
        const { user, system } = process.threadCpuUsage(began)
        return (user + system) / 1_000
      }),
    )
    expect(took).toBeLessThan(50 * SLOWED)
  })
})

describe('an edit of a body', () => {
  const body = '{ "model" : "auto",\n  "n": 1.0,"x":{"model":"inner"} }'
  it('replaces a value and nothing else', () => expect(splice(good(body), { model: 'm"1' })).toBe(body.replace('"auto"', '"m\\"1"')))
  it('adds at the end', () =>
    expect(splice(good(body), { stream: true })).toBe('{ "model" : "auto",\n  "n": 1.0,"x":{"model":"inner"},"stream":true }'))
  it('adds to an object that has nothing', () => expect(splice(good(' { } '), { a: 1, b: [2] })).toBe(' {"a":1,"b":[2] } '))
  it('takes a member out with one comma', () => {
    expect(splice(good(body), { model: undefined })).toBe('{ "n": 1.0,"x":{"model":"inner"} }')
    expect(splice(good(body), { n: undefined })).toBe('{ "model" : "auto",\n  "x":{"model":"inner"} }')
    expect(splice(good(body), { x: undefined })).toBe('{ "model" : "auto",\n  "n": 1.0 }')
    expect(splice(good(body), { model: undefined, n: undefined, x: undefined })).toBe('{  }')
  })
  it('takes out the last ones and adds another', () =>
    expect(splice(good(body), { n: undefined, x: undefined, y: 2 })).toBe('{ "model" : "auto","y":2 }'))
  it('of nothing changes nothing', () => expect(splice(good(body), { absent: undefined })).toBe(body))

  const name = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'é"\\')
  const spaced = fc.constantFrom('', ' ', '\n', '\t ')
  const value = fc.jsonValue({ maxDepth: 2 }).map(json => JSON.stringify(json))
  const object = fc
    .tuple(spaced, fc.uniqueArray(fc.tuple(name, value, spaced, spaced), { selector: ([key]) => key, maxLength: 6 }))
    .map(([gap, members]) => {
      const written = members.map(([key, json, before, after]) => `${before}${JSON.stringify(key)}${after}:${before}${json}${after}`)
      return `${gap}{${gap}${written.join(',')}${gap}}${gap}`
    })
  const edits = fc.uniqueArray(fc.tuple(name, fc.option(value, { nil: undefined })), { selector: ([key]) => key, maxLength: 6 })

  it('means what editing the parsed value means, and leaves every other member as it was written', () => {
    fc.assert(
      fc.property(object, edits, (text, changes) => {
        const json = good(text)
        const changed = Object.fromEntries(changes.map(([key, edit]) => [key, edit === undefined ? undefined : JSON.parse(edit)]))
        const out = splice(json, changed)
        const wanted = new Map(Object.entries(json.value))
        for (const [key, edit] of changes) edit === undefined ? wanted.delete(key) : wanted.set(key, JSON.parse(edit))
        expect(new Map(Object.entries(JSON.parse(out)))).toEqual(wanted)
        const after = good(out)
        for (const { name: key, key_start, end } of json.members) {
          const kept = after.members.find(member => member.name === key)
          if (kept && !Object.hasOwn(changed, key)) expect(after.text.slice(kept.key_start, kept.end)).toBe(text.slice(key_start, end))
        }
        if (changes.every(([key, edit]) => edit === undefined && !json.span(key))) expect(out).toBe(text)
      }),
      { numRuns: 1_000 },
    )
  })
  it('that only replaces leaves every other character where it was', () => {
    fc.assert(
      fc.property(object, value, (text, edit) => {
        const json = good(text)
        for (const { name: key, start, end } of json.members) {
          expect(splice(json, { [key]: JSON.parse(edit) })).toBe(text.slice(0, start) + JSON.stringify(JSON.parse(edit)) + text.slice(end))
        }
      }),
    )
  })
})
