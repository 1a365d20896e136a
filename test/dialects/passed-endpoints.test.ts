import { describe, expect, it } from 'vitest'
import { ENDPOINT_FORMS, type Given, passedRequest, subjectOf } from '../../worker/dialects/passed-endpoints.ts'
import type { Json, JsonObject } from '../../worker/schema/chat.ts'
import { PASSED_ENDPOINTS, type PassedEndpoint } from '../../worker/schema/endpoint.ts'

const given = (body: JsonObject, files: string[] = []): Given => ({ field: name => body[name], hasFile: name => files.includes(name) })
const subject = (endpoint: PassedEndpoint, body: JsonObject, files: string[] = []) => {
  const read = subjectOf(ENDPOINT_FORMS[endpoint], given(body, files))
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value
}
const refusal = (endpoint: PassedEndpoint, body: JsonObject, files: string[] = []) => {
  const read = subjectOf(ENDPOINT_FORMS[endpoint], given(body, files))
  return read.ok ? null : read.error.code === 'invalid_request' ? read.error.param : read.error.code
}

describe('what there is to read', () => {
  it.each<[string, PassedEndpoint, JsonObject, string[], number]>([
    ['a text', 'embeddings', { input: 'one' }, ['one'], 0],
    ['a list of texts', 'embeddings', { input: ['one', 'two'] }, ['one', 'two'], 0],
    ['a text as tokens', 'embeddings', { input: [1, 2, 3] }, [], 3],
    ['several as tokens', 'embeddings', { input: [[1, 2, 3], [4]] }, [], 4],
    ['a query and documents', 'rerank', { query: 'q', documents: ['a', { text: 'b' }] }, ['q', 'a', 'b'], 0],
    ['a prompt and what follows it', 'completions', { prompt: 'a', suffix: 'b' }, ['a', 'b'], 0],
    ['a text and how to say it', 'speech', { input: 'a', instructions: 'softly' }, ['a', 'softly'], 0],
    ['parts', 'moderations', { input: [{ type: 'text', text: 'a' }] }, ['a'], 0],
  ])('%s', (_, endpoint, body, texts, tokens) => expect(subject(endpoint, body)).toMatchObject({ texts, tokens }))
  it('an image among the parts', () => {
    const input: Json = [
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url: 'data:x' } },
    ]
    expect(subject('moderations', { input }).media).toEqual(['image'])
  })
  it('a file, in a field of its name or of a list of that name', () => {
    expect(subject('transcriptions', {}, ['file']).media).toEqual(['audio'])
    expect(subject('image_edits', { prompt: 'a' }, ['image[]'])).toMatchObject({ media: ['image'], texts: ['a'] })
  })
  it('is as long as its longest, since a batch need not fit a window together', () => {
    const text = 'word '.repeat(1_000)
    const one = subject('embeddings', { input: text }).longest_tokens
    expect(one).toBeGreaterThan(800)
    expect(subject('embeddings', { input: [text, text, 'short'] }).longest_tokens).toBe(one)
    expect(subject('embeddings', { input: [[1], Array.from({ length: 700 }, () => 1)] }).longest_tokens).toBe(700)
  })
  it.each<[string, PassedEndpoint, JsonObject, string]>([
    ['nothing', 'embeddings', {}, 'input'],
    ['null', 'embeddings', { input: null }, 'input'],
    ['a number', 'embeddings', { input: 5 }, 'input'],
    ['a mixture', 'embeddings', { input: [1, 'two'] }, 'input'],
    ['too many', 'embeddings', { input: Array.from({ length: 5_000 }, () => 'a') }, 'input'],
    ['too deep', 'embeddings', { input: [[[[['a']]]]] }, 'input'],
    ['no file', 'transcriptions', {}, 'file'],
    ['no prompt', 'images', { n: 1 }, 'prompt'],
  ])('is refused where it is %s, with the field', (_, endpoint, body, param) => expect(refusal(endpoint, body)).toBe(param))
})

describe('the request as it is decided on', () => {
  const request = (body: JsonObject) => passedRequest(given(body), { texts: ['a'], tokens: 0, media: ['image'], longest_tokens: 1 })
  it('is one turn of a caller', () =>
    expect(request({ model: 'm', user: 'u' })).toMatchObject({ model: 'm', user: 'u', stream: false, messages: [{ role: 'user' }] }))
  it('leaves the model to the router where none is named', () => expect(request({}).model).toBe('auto'))
  it.each<[JsonObject]>([[{ stream: true }], [{ stream: 'true' }], [{ stream_format: 'sse' }]])('streams by %j', body =>
    expect(request(body).stream).toBe(true),
  )
})

it('every endpoint says how its body comes, what it needs and what it gives', () => {
  for (const endpoint of PASSED_ENDPOINTS) {
    const form = ENDPOINT_FORMS[endpoint]
    expect(form.reads.length).toBeGreaterThan(0)
    expect(form.file !== null).toBe(form.body === 'form')
  }
  expect(ENDPOINT_FORMS.images.output_tokens(given({ n: 3 }))).toBe(3 * 1_056)
  expect(ENDPOINT_FORMS.images.output_tokens(given({ n: 'many' }))).toBe(1_056)
})
