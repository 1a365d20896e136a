/**
 * The recordings of `test/fixtures`, found and read. See its README for where they come from.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import type { JsonObject } from '../../worker/schema/chat.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
/** Folders whose recordings are Chat Completions, but for those named otherwise. */
const CHAT = ['openai', 'openai-compatible', 'groq', 'mistral', 'deepseek', 'xai', 'perplexity', 'alibaba', 'moonshotai']
const RESPONSES = ['openai', 'azure', 'open-responses']

const named = (folders: string[], ending: string): string[] =>
  folders.flatMap(folder =>
    readdirSync(join(FIXTURES, folder))
      .filter(file => file.endsWith(ending))
      .map(file => `${folder}/${file}`),
  )
const isResponses = (path: string) => path.includes('responses--') || path.startsWith('azure/')

export const whole = (path: string): JsonObject => JSON.parse(readFileSync(join(FIXTURES, path), 'utf8'))

/** The events as they were on the wire, the terminator included. */
export function streamed(path: string): SseEvent[] {
  const text = readFileSync(join(FIXTURES, path), 'utf8')
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith(':'))
  const data = path.endsWith('.sse') ? lines.map(line => line.replace(/^data: ?/, '')) : [...lines, '[DONE]']
  return data.map(line => ({ event: null, data: line }))
}

/** Of formats whose events are lines of data and nothing more. */
export const lines = (path: string): SseEvent[] =>
  readFileSync(join(FIXTURES, path), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(data => ({ event: null, data }))

/** Of formats whose events are named after their type: the first of the answers that a recording may hold, to its terminator. */
export function namedEvents(path: string): SseEvent[] {
  const events: SseEvent[] = []
  for (const line of readFileSync(join(FIXTURES, path), 'utf8').split('\n')) {
    if (line === '') continue
    const { type } = JSON.parse(line) as { type: string }
    events.push({ event: type, data: line })
    if (TERMINATORS.has(type)) break
  }
  return events
}
const TERMINATORS = new Set(['message_stop', 'response.completed', 'response.incomplete', 'response.failed'])

export const chatStreams = [...named(CHAT, '.chunks.txt'), ...named(CHAT, '.sse')].filter(path => !isResponses(path))
export const chatReplies = named(CHAT, '.json').filter(path => Array.isArray(whole(path).choices))

export const anthropicStreams = named(['anthropic'], '.chunks.txt')
export const anthropicReplies = named(['anthropic'], '.json')

export const responsesStreams = named(RESPONSES, '.chunks.txt').filter(isResponses)
export const responsesReplies = named(RESPONSES, '.json').filter(path => isResponses(path) && Array.isArray(whole(path).output))
