/** What a policy hides from a target, from end to end: what the target is sent, and what the caller gets back. */
import { describe, expect, it } from 'vitest'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import { PERSONAL_DATA_TYPES, type PersonalDataType } from '../../worker/schema/features.ts'
import { type CallOptions, callFor, completion, DONE, FINISH, ROLE, replies, type Script, streams, token, USAGE, world } from './world.ts'

const MAIL = 'ann@example.org'
const TEXT = (stream: boolean) =>
  JSON.stringify({
    model: 'auto',
    stream,
    messages: [
      { role: 'system', content: `The customer is ${MAIL}` },
      { role: 'user', content: 'Charge 4111 1111 1111 1111 and write to ann@example.org' },
    ],
    tomorrow: { x: 1 },
  })

async function carry(
  scripts: Record<string, Script[]>,
  stream: boolean,
  hidden: readonly PersonalDataType[] | null,
  more: CallOptions & { dialects?: Parameters<typeof world>[1] } = {},
) {
  const at = world(scripts, more.dialects)
  const call = { ...callFor(at, stream, { text: TEXT(stream), ...more }), hides: () => hidden }
  const carried = await at.clock.run(dispatch(call, at.carrier))
  if (!carried.ok) throw new Error(`no answer: ${JSON.stringify(carried.error.error)}`)
  const { headers, release } = carried.value
  const { body, ended } = release()
  const text = await at.clock.run(new Response(body).text())
  const end = await at.clock.run(Promise.resolve(ended))
  return { at, headers, text, attempts: end.attempts, sent: at.received[0]?.text ?? '' }
}

const said = (text: string) =>
  text
    .split('\n\n')
    .filter(event => event.startsWith('data: {'))
    .map(event => (JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '')
    .join('')

const PIECES = ['Done, <EM', 'AIL', '_1', '>: charged <CARD_1', '> as asked.']
const ANSWER = `Done, ${MAIL}: charged 4111 1111 1111 1111 as asked.`

describe('a target that something is hidden from', () => {
  it('gets placeholders in a request that is otherwise the same, unknown fields included', async () => {
    const { sent, headers, attempts } = await carry({ a: [replies(completion('ok'))] }, false, PERSONAL_DATA_TYPES)
    expect(sent).not.toContain(MAIL)
    expect(sent).not.toContain('4111')
    expect(JSON.parse(sent)).toMatchObject({
      model: 'a-model',
      messages: [
        { role: 'system', content: 'The customer is <EMAIL_1>' },
        { role: 'user', content: 'Charge <CARD_1> and write to <EMAIL_1>' },
      ],
      tomorrow: { x: 1 },
    })
    expect(headers['x-signalbox-redacted']).toBe('email 1, card 1')
    expect(attempts[0]?.redacted).toEqual({ email: 1, card: 1 })
  })
  it('is answered for with the values in their places, in a whole answer', async () => {
    const { text } = await carry({ a: [replies(completion(PIECES.join('')))] }, false, PERSONAL_DATA_TYPES)
    expect((JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content).toBe(ANSWER)
  })
  it('is answered for in a stream, however its placeholders are cut, with its own end and no more counts than were asked for', async () => {
    const { text } = await carry({ a: [streams(ROLE, ...PIECES.map(token), FINISH, USAGE, DONE)] }, true, PERSONAL_DATA_TYPES)
    expect(said(text)).toBe(ANSWER)
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    expect(text).not.toContain('prompt_tokens')
  })
  it('of another format, too', async () => {
    const dialects = { dialects: { a: 'anthropic-messages' as const } }
    const stream = await carry({ a: [streams(ROLE, ...PIECES.map(token), FINISH, DONE)] }, true, PERSONAL_DATA_TYPES, { dialects })
    expect(stream.sent).not.toContain(MAIL)
    expect(said(stream.text)).toBe(ANSWER)
    const whole = await carry({ a: [replies(completion(PIECES.join('')))] }, false, PERSONAL_DATA_TYPES, { dialects })
    expect(whole.text).toContain(ANSWER)
  })
  it('that streams where a whole answer was asked for, or the other way round', async () => {
    const folded = await carry({ a: [streams(ROLE, ...PIECES.map(token), FINISH, DONE)] }, false, PERSONAL_DATA_TYPES)
    expect(folded.text).toContain(ANSWER)
    const unfolded = await carry({ a: [replies(completion(PIECES.join('')))] }, true, PERSONAL_DATA_TYPES)
    expect(said(unfolded.text)).toBe(ANSWER)
  })
  it('that fails is followed by one that may see everything', async () => {
    const at = world({
      a: [replies('{"error":{"message":"no"}}', 500), replies('{"error":{"message":"no"}}', 500)],
      b: [replies(completion('ok'))],
    })
    const call = {
      ...callFor(at, false, { text: TEXT(false) }),
      hides: (target: { id: string }) => (target.id === 'a' ? PERSONAL_DATA_TYPES : null),
    }
    const carried = await at.clock.run(dispatch(call, at.carrier))
    expect(carried.ok && carried.value.headers).not.toHaveProperty('x-signalbox-redacted')
    expect(at.received.map(({ target, text }) => [target, text.includes(MAIL)])).toEqual([
      ['a', false],
      ['a', false],
      ['b', true],
    ])
    if (carried.ok) carried.value.release()
  })
  it('that breaks off is taken up, and the one that does so gets placeholders as well', async () => {
    const rescue = {
      plan: { rescue: { by: ['continue' as const], text_at_most_tokens: 6_000 } },
      dialects: { prefill: { a: true, b: true } },
    }
    const { at, text } = await carry(
      { a: [streams(ROLE, token('Done, <EMAIL_1>: '), 'CUT')], b: [streams(ROLE, token('charged <CARD_1> as asked.'), FINISH, DONE)] },
      true,
      PERSONAL_DATA_TYPES,
      rescue,
    )
    expect(said(text)).toBe(ANSWER)
    expect(at.received.map(call => call.text.includes(MAIL))).toEqual([false, false])
    expect(at.received[1]?.body).toMatchObject({
      messages: [{}, {}, { role: 'assistant', content: expect.stringContaining('Done, <EMAIL_1>:') }],
    })
  })
})

describe('a target that nothing is hidden from', () => {
  it.each<[string, readonly PersonalDataType[] | null]>([
    ['because the policy says nothing of it', null],
    ['because the request holds nothing of that type', ['iban']],
  ])('gets the caller’s own text, %s, and its answer passes as it came', async (_, hidden) => {
    const answer = completion('<EMAIL_1>').replace('{', '{ ')
    const { sent, text, headers } = await carry({ a: [replies(answer)] }, false, hidden)
    expect(sent).toBe(TEXT(false).replace('"auto"', '"a-model"'))
    expect(text).toBe(answer)
    expect(headers).not.toHaveProperty('x-signalbox-redacted')
  })
})
