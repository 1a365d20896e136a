/**
 * The recordings of `test/fixtures`, found and told apart by what is in them, so that another one dropped into the folder is tried by
 * every test that tries them all. See its README for where they come from.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import type { DialectName, Json, JsonObject } from '../../worker/schema/chat.ts'

/** Another folder of recordings may be tried in place of ours, laid out alike: `RECORDINGS=/some/folder npm test`. */
const FIXTURES = process.env.RECORDINGS ?? join(import.meta.dirname, '../fixtures')

const textOf = (path: string): string => readFileSync(join(FIXTURES, path), 'utf8')
export const whole = (path: string): JsonObject => JSON.parse(textOf(path))

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whose answer this is; null for an error, and for what is no chat (embeddings, rankings, agents' own formats). */
export function formatOfReply(body: Json): DialectName | null {
  if (!isObject(body)) return null
  const [choice] = Array.isArray(body.choices) ? body.choices : []
  if (isObject(choice)) return isObject(choice.message) ? 'openai-chat' : null
  if (Array.isArray(body.candidates)) return 'gemini'
  if (isObject(body.output) && isObject(body.output.message)) return 'bedrock-converse'
  if (Array.isArray(body.output)) return 'openai-responses'
  if (isObject(body.message) && typeof body.finish_reason === 'string') return 'cohere-chat'
  if (body.type === 'message' && Array.isArray(body.content)) return 'anthropic-messages'
  return null
}

const ANTHROPIC = /^(message_(start|delta|stop)|content_block_(start|delta|stop)|ping)$/
const COHERE = /^(message-(start|end)|content-(start|delta|end)|tool-(plan-delta|call-(start|delta|end))|citation-(start|end))$/
const BEDROCK = /^(message|contentBlock)(Start|Delta|Stop)$/

/** The same of one event of a stream. Null where it could be anybody's, as an error is. */
export function formatOfEvent(event: Json): DialectName | null {
  if (!isObject(event)) return null
  if (typeof event.type === 'string') {
    if (event.type.startsWith('response.')) return 'openai-responses'
    if (ANTHROPIC.test(event.type)) return 'anthropic-messages'
    if (COHERE.test(event.type)) return 'cohere-chat'
  }
  const [choice] = Array.isArray(event.choices) ? event.choices : []
  if (event.object === 'chat.completion.chunk' || (isObject(choice) && isObject(choice.delta))) return 'openai-chat'
  if (Array.isArray(event.candidates)) return 'gemini'
  return Object.keys(event).some(key => BEDROCK.test(key)) ? 'bedrock-converse' : null
}

/** The data of a recording's events: a line each, or as they were on the wire. */
const dataOf = (path: string): string[] => {
  const text = textOf(path).split(/\r?\n/)
  if (!path.endsWith('.sse')) return text.filter(line => line.trim() !== '')
  return text.filter(line => line.startsWith('data:')).map(line => line.replace(/^data: ?/, ''))
}

function formatOfStream(path: string): DialectName | null {
  for (const line of dataOf(path)) {
    if (line === '[DONE]') return null
    const format = formatOfEvent(JSON.parse(line) as Json)
    if (format !== null) return format
  }
  return null
}

const paths = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .map(path => path.replaceAll('\\', '/'))
  .sort()

/** Every stream that is some chat's, with the format it is in; and every whole answer. */
export const STREAMS = paths
  .filter(path => path.endsWith('.chunks.txt') || path.endsWith('.sse'))
  .map(path => ({ path, from: formatOfStream(path) }))
export const REPLIES = paths.filter(path => path.endsWith('.json')).map(path => ({ path, from: formatOfReply(whole(path)) }))

const of = (list: { path: string; from: DialectName | null }[], format: DialectName) =>
  list.flatMap(({ path, from }) => (from === format ? [path] : []))
export const chatStreams = of(STREAMS, 'openai-chat')
export const chatReplies = of(REPLIES, 'openai-chat')
export const anthropicStreams = of(STREAMS, 'anthropic-messages')
export const anthropicReplies = of(REPLIES, 'anthropic-messages')
export const responsesStreams = of(STREAMS, 'openai-responses')
export const responsesReplies = of(REPLIES, 'openai-responses')
export const geminiStreams = of(STREAMS, 'gemini')
export const bedrockStreams = of(STREAMS, 'bedrock-converse')
export const cohereStreams = of(STREAMS, 'cohere-chat')
export const cohereReplies = of(REPLIES, 'cohere-chat')

/** The events as they were on the wire, the terminator included. */
export function streamed(path: string): SseEvent[] {
  const data = dataOf(path).filter(line => line !== '[DONE]')
  return [...data, '[DONE]'].map(line => ({ event: null, data: line }))
}

/** Of formats whose events are lines of data and nothing more. */
export const lines = (path: string): SseEvent[] => dataOf(path).map(data => ({ event: null, data }))

/** Of formats whose events are named after their type: the first of the answers that a recording may hold, to its terminator. */
export function namedEvents(path: string): SseEvent[] {
  const events: SseEvent[] = []
  for (const line of dataOf(path)) {
    const { type } = JSON.parse(line) as { type: string }
    events.push({ event: type, data: line })
    if (TERMINATORS.has(type)) break
  }
  return events
}
const TERMINATORS = new Set(['message_stop', 'message-end', 'response.completed', 'response.incomplete', 'response.failed'])

/** Of frames: each line is an object with one member, named after the event. */
export const framed = (path: string): SseEvent[] =>
  dataOf(path).map(line => {
    const [[event, value]] = Object.entries(JSON.parse(line) as JsonObject) as [[string, JsonObject]]
    return { event, data: JSON.stringify(value) }
  })
