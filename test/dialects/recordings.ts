/**
 * The recordings of `test/fixtures`, found and read. See its README for where they come from.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import type { JsonObject } from '../../worker/schema/chat.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
/** Folders whose recordings are Chat Completions. */
const CHAT = ['openai', 'openai-compatible', 'groq', 'mistral', 'deepseek', 'xai', 'perplexity', 'alibaba', 'moonshotai']

const named = (ending: string): string[] =>
  CHAT.flatMap(folder =>
    readdirSync(join(FIXTURES, folder))
      .filter(file => file.endsWith(ending))
      .map(file => `${folder}/${file}`),
  )

export const whole = (path: string): JsonObject => JSON.parse(readFileSync(join(FIXTURES, path), 'utf8'))

/** The events as they were on the wire, the terminator included. */
export function streamed(path: string): SseEvent[] {
  const text = readFileSync(join(FIXTURES, path), 'utf8')
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith(':'))
  const data = path.endsWith('.sse') ? lines.map(line => line.replace(/^data: ?/, '')) : [...lines, '[DONE]']
  return data.map(line => ({ event: null, data: line }))
}

export const chatStreams = [...named('.chunks.txt'), ...named('.sse')]
export const chatReplies = named('.json').filter(path => Array.isArray(whole(path).choices))
