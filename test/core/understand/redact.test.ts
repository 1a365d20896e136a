import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readNameTable } from '../../../worker/core/understand/name-table.ts'
import { redacted } from '../../../worker/core/understand/redact.ts'
import type { ChatRequest, Message, Part, StreamEvent } from '../../../worker/schema/chat.ts'
import { PERSONAL_DATA_TYPES } from '../../../worker/schema/features.ts'
import { chat } from '../decide/small-world.ts'

const said = (text: string, role: Message['role'] = 'user'): Message => ({ role, parts: [{ type: 'text', text }] })
const hide = (messages: Message[], more: Partial<ChatRequest> = {}) => redacted(chat({ messages, ...more }), PERSONAL_DATA_TYPES)
const hidden = (text: string) => textOf(hide([said(text)]).request.messages[0])
const textOf = (message: Message | undefined) => message?.parts.map(part => (part.type === 'text' ? part.text : '')).join('')
const partOf = (part: Part): Part => hide([{ role: 'assistant', parts: [part] }]).request.messages[0]?.parts[0] as Part

const KEY = `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END PRIVATE KEY-----`

describe('what leaves', () => {
  it.each([
    ['an address', 'Write to ann.lee+x@mail.example.org, please', 'Write to <EMAIL_1>, please'],
    ['a card', 'charged 4111 1111 1111 1111 twice', 'charged <CARD_1> twice'],
    ['an IBAN', 'from DE89 3704 0044 0532 0130 00 on Friday', 'from <IBAN_1> on Friday'],
    ['a social security number', 'SSN 536-22-8145.', 'SSN <US_SSN_1>.'],
    ['a telephone number', 'call +49 30 901820 now', 'call <PHONE_1> now'],
    ['an IP address', 'host 192.168.178.24 is down', 'host <IP_1> is down'],
    ['a long IP address', 'from 2001:0db8:85a3:0000:0000:8a2e:0370:7334 only', 'from <IP_1> only'],
    ['a key', 'use sk-abcdefghij0123456789klmn here', 'use <SECRET_1> here'],
    ['a private key of many lines', `key:\n${KEY}\nend`, 'key:\n<SECRET_1>\nend'],
    ['nothing', 'What is the capital of France?', 'What is the capital of France?'],
  ])('of %s', (_, text, expected) => expect(hidden(text)).toBe(expected))

  it('says the same of the same value, and counts on over the conversation', () => {
    const { request, counts } = hide([
      said('I am a@x.org and b@x.org'),
      said('Hello a@x.org', 'assistant'),
      said('Is c@x.org free? Not b@x.org'),
    ])
    expect(request.messages.map(textOf)).toEqual(['I am <EMAIL_1> and <EMAIL_2>', 'Hello <EMAIL_1>', 'Is <EMAIL_3> free? Not <EMAIL_2>'])
    expect(counts).toEqual({ email: 3 })
  })
  it('gives out no placeholder that stands in the request already', () => {
    expect(hidden('<EMAIL_1> is a@x.org')).toBe('<EMAIL_1> is <EMAIL_2>')
  })
  it('hides only the types that were asked for', () => {
    const { request } = redacted(chat({ messages: [said('a@x.org, 4111 1111 1111 1111')] }), ['card'])
    expect(textOf(request.messages[0])).toBe('a@x.org, <CARD_1>')
  })
  it('is the very request where there is nothing to hide', () => {
    const request = chat({ messages: [said('hi')] })
    expect(redacted(request, PERSONAL_DATA_TYPES).request).toBe(request)
  })
  it('reaches thoughts, results of tools, arguments, the end user and metadata', () => {
    expect(partOf({ type: 'reasoning', text: 'It is a@x.org', signature: 'seal' })).toEqual({
      type: 'reasoning',
      text: 'It is <EMAIL_1>',
      signature: 'seal',
    })
    expect(partOf({ type: 'tool_result', call_id: 'c', is_error: false, parts: [{ type: 'text', text: 'a@x.org' }] })).toMatchObject({
      parts: [{ text: '<EMAIL_1>' }],
    })
    expect(partOf({ type: 'tool_call', id: 'c', name: 'pay', arguments: '{"card": 4111111111111111, "to": "a@x.org"}' })).toMatchObject({
      arguments: '{"card":"<CARD_1>","to":"<EMAIL_1>"}',
    })
    expect(partOf({ type: 'tool_call', id: 'c', name: 'f', arguments: '{"n": 1}' })).toMatchObject({ arguments: '{"n": 1}' })
    expect(partOf({ type: 'tool_call', id: 'c', name: 'f', arguments: '{"to": "a@x.org' })).toMatchObject({
      arguments: '{"to": "<EMAIL_1>',
    })
    expect(hide([], { user: 'a@x.org', metadata: { by: 'a@x.org' } }).request).toMatchObject({
      user: '<EMAIL_1>',
      metadata: { by: '<EMAIL_1>' },
    })
  })
})

describe('what comes back', () => {
  const { restored, restorer } = hide([said(`a@x.org, 4111 1111 1111 1111, ${KEY}`)])

  it('is restored in every text of a whole answer, whatever its format, and escaped within arguments', () => {
    expect(
      restored({
        choices: [
          { message: { content: 'To <EMAIL_1> and <EMAIL_9>', tool_calls: [{ function: { arguments: '{"key":"<SECRET_1>"}' } }] } },
        ],
        n: 1,
      }),
    ).toEqual({
      choices: [
        {
          message: {
            content: 'To a@x.org and <EMAIL_9>',
            tool_calls: [{ function: { arguments: JSON.stringify({ key: KEY }) } }],
          },
        },
      ],
      n: 1,
    })
  })

  const textOfStream = (events: StreamEvent[]) =>
    events.map(event => (event.type === 'text' ? event.text : event.type === 'tool_call_arguments' ? event.fragment : '')).join('')
  const followed = (events: StreamEvent[]) => {
    const one = restorer()
    return [...events.flatMap(event => one.follow(event)), ...one.rest()]
  }
  const text = (piece: string): StreamEvent => ({ type: 'text', choice: 0, text: piece })
  const cut = (whole: string, places: number[]) =>
    [...new Set([0, ...places.map(place => place % (whole.length + 1)), whole.length])]
      .sort((a, b) => a - b)
      .flatMap((place, i, all) => (i === 0 ? [] : [whole.slice(all[i - 1], place)]))

  it('is restored in a stream, wherever a placeholder is cut', () => {
    const whole = 'I wrote to <EMAIL_1>, <b>not</b> <EMAIL_2> < 3 or <CARD_1>'
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 12 }), places => {
        expect(textOfStream(followed(cut(whole, places).map(text)))).toBe(
          'I wrote to a@x.org, <b>not</b> <EMAIL_2> < 3 or 4111 1111 1111 1111',
        )
      }),
      { numRuns: 300 },
    )
  })
  it('is restored in arguments that come piece by piece', () => {
    const fragments = cut('{"key":"<SECRET_1>"}', [9, 11, 17]).map(
      (fragment): StreamEvent => ({ type: 'tool_call_arguments', choice: 0, index: 0, fragment }),
    )
    expect(JSON.parse(textOfStream(followed(fragments)))).toEqual({ key: KEY })
  })
  it('holds back what may become a placeholder, and no more', () => {
    const one = restorer()
    expect(one.follow(text('see <EM'))).toEqual([text('see ')])
    expect(one.follow(text('AIL_'))).toEqual([])
    expect(one.follow(text('1>!'))).toEqual([text('a@x.org!')])
    expect(one.follow(text('a <b'))).toEqual([text('a <b')])
  })
  it('gives what it held before anything else comes, and when all is over', () => {
    const finish: StreamEvent = { type: 'finish', choice: 0, finish: 'stop', finish_raw: 'stop' }
    expect(followed([text('x <EMA'), finish])).toEqual([text('x '), text('<EMA'), finish])
    expect(followed([text('x <')])).toEqual([text('x '), text('<')])
  })
  it('keeps two answers apart', () => {
    const other: StreamEvent = { type: 'text', choice: 1, text: 'no <EM' }
    const [first, second] = [text('a@x.org'), text('<EM')]
    expect(followed([text('<EMA'), other, text('IL_1>')])).toEqual([{ ...other, text: 'no ' }, first, { ...second, choice: 1 }])
  })
})

describe('names', () => {
  const file = readFileSync('policies/names.bin')
  const table = readNameTable(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer)
  const withNames = (...messages: Message[]) => redacted(chat({ messages }), PERSONAL_DATA_TYPES, table)
  const sent = (...messages: Message[]) => withNames(...messages).request.messages.map(textOf)

  it('leave as placeholders, the same for the same words', () => {
    expect(sent(said('Dear Ann Lee, you are late. Regards,\nJohn Smith'), said('Sorry, John Smith', 'assistant'))).toEqual([
      'Dear <NAME_1>, you are late. Regards,\n<NAME_2>',
      'Sorry, <NAME_2>',
    ])
  })
  it('are hidden everywhere once they were told, and so are their parts, whatever stands beside them', () => {
    expect(sent(said('I am Natalia Lee'), said('Natalia! (Lee)', 'assistant'))).toEqual(['I am <NAME_1>', '<NAME_2>! (<NAME_3>)'])
  })
  it('are not taken out of a longer word or an address', () => {
    expect(sent(said('I am Natalia Lee, Leeds, Natalia@example.org'))).toEqual(['I am <NAME_1>, Leeds, <EMAIL_1>'])
  })
  it('come back', () => {
    const { restored, counts } = withNames(said('I am Natalia Lee'))
    expect(counts).toEqual({ name: 1 })
    expect(restored({ text: 'Hello <NAME_1>!' })).toEqual({ text: 'Hello Natalia Lee!' })
  })
  it('stay where nobody looks for them', () => {
    expect(redacted(chat({ messages: [said('I am Natalia Lee')] }), ['email'], table).counts).toEqual({})
    expect(redacted(chat({ messages: [said('I am Natalia Lee')] }), PERSONAL_DATA_TYPES).counts).toEqual({})
  })
})
