/**
 * The endpoints whose bodies are passed through, as data: how a body comes, what in it there is to decide on, what comes back,
 * and how the end of a stream looks. Their form is OpenAI's (platform.openai.com/docs/api-reference, read 2026-11), and for
 * reranking that of Cohere, Jina, Together and vLLM, who agree on it. A new endpoint is a row here and a path.
 */
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import { estimateTokens } from '../core/understand/tokens.ts'
import type { ChatRequest, Json, Part } from '../schema/chat.ts'
import type { PassedEndpoint } from '../schema/endpoint.ts'
import type { Modality } from '../schema/features.ts'
import type { Tokens } from '../schema/units.ts'
import { isObject } from './check.ts'

/** A body's members or fields, whichever it has. A file is there, and has no value. */
export type Given = { field(name: string): Json | undefined; hasFile(name: string): boolean }

/** What there is to read in a request. Inputs may come as tokens, which nobody here can read but count. */
export type Subject = { texts: string[]; tokens: Tokens; media: Exclude<Modality, 'text'>[]; longest_tokens: Tokens }

export type EndpointForm = {
  body: 'json' | 'form'
  /** Members that hold what is asked about; the first is required. */
  reads: [string, ...string[]]
  /** A file that must be there. */
  file: { field: string; modality: Exclude<Modality, 'text'> } | null
  output: Modality
  /** What to expect of the answer; null where it is written text, as of a chat. */
  output_tokens(given: Given): Tokens | null
  /** `input`: what was sent is all there is to pay, so an estimate of it stands where the target does not say. */
  pays: 'input' | 'as_reported'
  /** One of them is among the last bytes of a stream that was not cut. */
  stream_end: string[]
}

/** A square image of medium quality (platform.openai.com/docs/guides/image-generation: 1,056 tokens). */
const IMAGE_TOKENS = 1_056
const imageTokens = (given: Given) => IMAGE_TOKENS * Math.min(10, Math.max(1, Math.round(Number(given.field('n') ?? 1)) || 1))
const nothing = () => 0

export const ENDPOINT_FORMS: Record<PassedEndpoint, EndpointForm> = {
  completions: {
    body: 'json',
    reads: ['prompt', 'suffix'],
    file: null,
    output: 'text',
    output_tokens: () => null,
    pays: 'as_reported',
    stream_end: ['[DONE]'],
  },
  embeddings: { body: 'json', reads: ['input'], file: null, output: 'text', output_tokens: nothing, pays: 'input', stream_end: [] },
  images: {
    body: 'json',
    reads: ['prompt'],
    file: null,
    output: 'image',
    output_tokens: imageTokens,
    pays: 'as_reported',
    stream_end: ['"usage"', '[DONE]'],
  },
  image_edits: {
    body: 'form',
    reads: ['prompt'],
    file: { field: 'image', modality: 'image' },
    output: 'image',
    output_tokens: imageTokens,
    pays: 'as_reported',
    stream_end: ['"usage"', '[DONE]'],
  },
  speech: {
    body: 'json',
    reads: ['input', 'instructions'],
    file: null,
    output: 'audio',
    // Some 20 tokens of sound are said for each token that is read (OpenAI: $0.015 a minute at $12 a million tokens).
    output_tokens: given => 20 * estimateTokens(String(given.field('input') ?? '')),
    pays: 'as_reported',
    stream_end: ['speech.audio.done', '[DONE]'],
  },
  transcriptions: {
    body: 'form',
    reads: ['prompt'],
    file: { field: 'file', modality: 'audio' },
    output: 'text',
    output_tokens: nothing,
    pays: 'as_reported',
    stream_end: ['transcript.text.done', '[DONE]'],
  },
  moderations: { body: 'json', reads: ['input'], file: null, output: 'text', output_tokens: nothing, pays: 'input', stream_end: [] },
  rerank: {
    body: 'json',
    reads: ['query', 'documents'],
    file: null,
    output: 'text',
    output_tokens: nothing,
    pays: 'as_reported',
    stream_end: [],
  },
}

/** OpenAI takes 2,048 inputs at once, others fewer. */
const MAX_INPUTS = 4_096
/** A longer text is taken to be all like its beginning. */
const ESTIMATED_CHARS = 32_768

export function subjectOf(form: EndpointForm, given: Given): Result<Subject, GatewayError> {
  const subject: Subject = { texts: [], tokens: 0, media: [], longest_tokens: 0 }
  const [required] = form.reads
  if (form.file !== null) {
    if (!given.hasFile(form.file.field) && !given.hasFile(`${form.file.field}[]`))
      return refused(form.file.field, 'is missing: send a file in it.')
    subject.media.push(form.file.modality)
  } else if (given.field(required) === undefined || given.field(required) === null) return refused(required, 'is missing.')
  for (const name of form.reads) {
    const value = given.field(name)
    if (value !== undefined && !gather(value, subject, 0)) {
      return refused(name, `must be text, or a list of texts or of tokens, of at most ${MAX_INPUTS}.`)
    }
  }
  let longest = ''
  for (const text of subject.texts) if (text.length > longest.length) longest = text
  const sample = longest.length > ESTIMATED_CHARS ? longest.slice(0, ESTIMATED_CHARS) : longest
  const estimated = sample === '' ? 0 : Math.ceil((estimateTokens(sample) * longest.length) / sample.length)
  subject.longest_tokens = Math.max(subject.longest_tokens, estimated)
  return ok(subject)
}

const refused = (param: string, why: string): Result<never, GatewayError> =>
  err({ code: 'invalid_request', param, message: `"${param}" ${why}` })

/** Texts and counts of tokens in a value, whatever shape of input it is; false where it is none. */
function gather(value: Json, subject: Subject, depth: number): boolean {
  if (typeof value === 'string') return subject.texts.push(value) <= MAX_INPUTS
  if (Array.isArray(value)) {
    if (value.length > 0 && typeof value[0] === 'number') {
      subject.tokens += value.length
      subject.longest_tokens = Math.max(subject.longest_tokens, value.length)
      return value.every(token => typeof token === 'number')
    }
    return depth < 3 && value.length <= MAX_INPUTS && value.every(item => gather(item, subject, depth + 1))
  }
  if (!isObject(value)) return false
  if (typeof value.text === 'string') return gather(value.text, subject, depth)
  if (depth === 0 || !('image_url' in value || 'image' in value)) return depth > 0
  if (!subject.media.includes('image')) subject.media.push('image')
  return true
}

/** The request as it is decided on: what there is to read, as one turn of a caller who says nothing else. */
export function passedRequest(given: Given, subject: Subject): ChatRequest {
  const parts: Part[] = subject.texts.map(text => ({ type: 'text', text }))
  for (const modality of subject.media) parts.push({ type: 'media', modality, source: { at: 'provider_file', id: '' } })
  const stream = given.field('stream')
  const user = given.field('user')
  const model = given.field('model')
  return {
    dialect: 'openai-chat',
    model: typeof model === 'string' && model !== '' ? model : 'auto',
    stream: stream === true || stream === 'true' || given.field('stream_format') === 'sse',
    messages: [{ role: 'user', parts }],
    tools: [],
    tool_choice: null,
    parallel_tool_calls: null,
    output: { form: 'text' },
    max_output_tokens: limitOf(given.field('max_tokens')),
    temperature: null,
    top_p: null,
    top_k: null,
    seed: null,
    stop: [],
    frequency_penalty: null,
    presence_penalty: null,
    choices: 1,
    logprobs: null,
    reasoning: null,
    user: typeof user === 'string' ? user : null,
    metadata: null,
    service_tier: null,
    stream_usage: false,
    extra: {},
  }
}

const limitOf = (value: Json | undefined): Tokens | null =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e7 ? value : null
