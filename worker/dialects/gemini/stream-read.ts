/**
 * An answer in flight, read: each event is a whole `GenerateContentResponse` that holds what is new. There is no terminator; the
 * stream closes, and the reason to end stands in the last event or the one before.
 */

import type { Json, JsonObject, StreamEvent } from '../../schema/chat.ts'
import { carry, isObject, rest } from '../check.ts'
import type { EventReader, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { isMark } from '../marks.ts'
import { type CallIds, callIds } from './call-id.ts'
import { inBandError } from './error.ts'
import { readFinish } from './finish.ts'
import { citationsOf } from './grounding.ts'
import { readLogprobs } from './logprobs.ts'
import { readParts } from './part.ts'
import { type PartialCall, partialCall } from './partial-args.ts'
import { blockReason, CANDIDATE, createdAt } from './reply.ts'
import { readUsage } from './usage.ts'

const CHUNK = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId', 'error'])

type Choice = { calls: number; partial: PartialCall | null }

export function reader(): EventReader {
  let started = false
  let ids: CallIds = callIds('')
  const carried = new Map<string, string>()
  const choices = new Map<number, Choice>()

  function read(event: SseEvent): StreamEvent[] {
    const chunk = eventJson(event)
    if (chunk === null) return []
    const out: StreamEvent[] = []
    const error = inBandError(chunk)
    const news = newsIn(chunk, CHUNK, '')
    if (!started && error === null) {
      started = true
      const id = typeof chunk.responseId === 'string' ? chunk.responseId : ''
      ids = callIds(id)
      const model = typeof chunk.modelVersion === 'string' ? chunk.modelVersion : ''
      const start: StreamEvent = { type: 'start', dialect: 'gemini', id, model, created_at_s: createdAt(chunk) }
      if (news) start.extra = news
      out.push(start)
    } else if (news) out.push({ type: 'other', dialect: 'gemini', value: news })
    if (error) out.push({ type: 'error', ...error })
    const candidates = Array.isArray(chunk.candidates) ? chunk.candidates.filter(isObject) : []
    for (const [i, candidate] of candidates.entries()) readCandidate(candidate, i, out)
    const blocked = candidates.length === 0 ? blockReason(chunk) : null
    if (blocked !== null) out.push({ type: 'finish', choice: 0, finish: 'content_filter', finish_raw: blocked })
    const usage = isObject(chunk.usageMetadata) ? readUsage(chunk.usageMetadata, chunk.candidates) : null
    if (usage) out.push({ type: 'usage', usage })
    return out
  }

  /** Members beside the known ones, where they are new or have changed. */
  function newsIn(object: JsonObject, known: ReadonlySet<string>, whose: string): JsonObject | undefined {
    const beside = rest(object, known)
    if (!beside) return undefined
    let news: JsonObject | undefined
    for (const name of Object.keys(beside)) {
      const value = beside[name] as Json
      const written = JSON.stringify(value)
      const key = `${whose}${name}`
      if (carried.get(key) === written) continue
      carried.set(key, written)
      news ??= {}
      carry(news, name, value)
    }
    return news
  }

  function readCandidate(raw: JsonObject, position: number, out: StreamEvent[]): void {
    const choice = typeof raw.index === 'number' ? raw.index : position
    const of = choices.get(choice) ?? { calls: 0, partial: null }
    choices.set(choice, of)
    const before = out.length
    const content = isObject(raw.content) ? raw.content : {}
    for (const part of Array.isArray(content.parts) ? content.parts : []) if (isObject(part)) readPart(part, choice, of, out)
    const logprobs = readLogprobs(raw.logprobsResult)
    if (logprobs) {
      const text = out.slice(before).find(event => event.type === 'text')
      if (text?.type === 'text') text.logprobs = logprobs
      else out.push({ type: 'text', choice, text: '', logprobs })
    }
    const news = newsIn(raw, CANDIDATE, `${choice}/`)
    if (news) {
      out.push({ type: 'other', dialect: 'gemini', value: { choices: [{ index: choice, ...news }] } })
      for (const value of citationsOf(news)) out.push({ type: 'citation', choice, value })
    }
    const finish = readFinish(raw.finishReason, of.calls > 0)
    if (finish === null) return
    endPartial(choice, of, out)
    out.push({ type: 'finish', choice, ...finish })
  }

  function readPart(raw: JsonObject, choice: number, of: Choice, out: StreamEvent[]): void {
    const called = raw.functionCall
    if (isObject(called) && (of.partial !== null || called.willContinue === true || called.partialArgs !== undefined)) {
      readPiece(raw, called, choice, of, out)
      return
    }
    for (const part of readParts([raw], ids)) {
      // What no name covers has no event to stand in; it is told beside the piece, so that it is not lost in silence.
      if (part.extra && 'text' in part && Object.keys(part.extra).some(name => !isMark(name)))
        out.push({ type: 'other', dialect: 'gemini', value: { choices: [{ index: choice, part: part.extra }] } })
      switch (part.type) {
        case 'text':
          if (part.text !== '') out.push({ type: 'text', choice, text: part.text })
          break
        case 'reasoning': {
          const thought: StreamEvent = { type: 'reasoning', choice, text: part.text }
          if (part.signature !== undefined) thought.signature = part.signature
          if (part.text !== '' || part.signature !== undefined) out.push(thought)
          break
        }
        case 'tool_call':
          tellCall(part.id, part.name, part.arguments, choice, of, out)
          break
        default:
          out.push({ type: 'part', choice, part })
      }
    }
  }

  /** The first piece has the name; the last one is empty, or says no more that it goes on. */
  function readPiece(raw: JsonObject, called: JsonObject, choice: number, of: Choice, out: StreamEvent[]): void {
    if (typeof called.name === 'string' && called.name !== '') {
      endPartial(choice, of, out)
      of.partial = partialCall(called.name, called.id)
    }
    if (typeof raw.thoughtSignature === 'string') out.push({ type: 'reasoning', choice, text: '', signature: raw.thoughtSignature })
    of.partial?.add(called.partialArgs)
    if (called.willContinue !== true) endPartial(choice, of, out)
  }

  function endPartial(choice: number, of: Choice, out: StreamEvent[]): void {
    const { partial } = of
    if (partial === null) return
    of.partial = null
    tellCall(ids.call(partial.name, partial.id), partial.name, partial.text(), choice, of, out)
  }

  function tellCall(id: string, name: string, text: string, choice: number, of: Choice, out: StreamEvent[]): void {
    const index = of.calls++
    out.push({ type: 'tool_call_start', choice, index, id, name })
    out.push({ type: 'tool_call_arguments', choice, index, fragment: text })
    out.push({ type: 'tool_call_end', choice, index })
  }

  return { read }
}
