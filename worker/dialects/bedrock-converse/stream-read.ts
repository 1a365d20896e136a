/**
 * An answer in flight, read: blocks that start, grow and stop by their index, then the reason to end, then the counts, after which
 * nothing comes. `event` is the name of a frame and `data` what it holds. Where a block does not start, as text often does
 * not, its first piece says what it is.
 */
import type { Json, JsonObject, StreamEvent } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import type { EventReader, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { readFinish } from './finish.ts'
import { readUsage } from './usage.ts'

/** A call's place among calls, and whether anything came of its arguments. */
type Call = { index: number; argued: boolean }
/** `p` is padding against traffic analysis, without a meaning to carry. */
const METADATA = new Set(['usage', 'p'])
const STOP = new Set(['stopReason', 'p'])
const CITED = new Set(['citation'])

export function reader(): EventReader {
  const calls = new Map<number, Call>()
  let started = false
  let ended = false
  let counted = false
  let calls_begun = 0

  function read(event: SseEvent): StreamEvent[] {
    const body = eventJson(event)
    if (body === null) return []
    const error = inBandError(event.event, body)
    if (error) return [{ type: 'error', ...error }]
    const out: StreamEvent[] = []
    if (!started) {
      started = true
      out.push({ type: 'start', dialect: 'bedrock-converse', id: '', model: '', created_at_s: null })
    }
    const block = typeof body.contentBlockIndex === 'number' ? body.contentBlockIndex : 0
    switch (event.event) {
      case 'messageStart':
        break
      case 'contentBlockStart':
        if (isObject(body.start)) readStart(body.start, block, out)
        break
      case 'contentBlockDelta':
        if (isObject(body.delta)) readDelta(body.delta, block, out)
        break
      case 'contentBlockStop':
        endCall(block, out)
        break
      case 'messageStop':
        readStop(body, out)
        break
      case 'metadata':
        readMetadata(body, out)
        break
      default:
        if (event.event !== null && event.event !== 'initial-response') carry({ [event.event]: body }, out)
    }
    if (ended && counted && (event.event === 'messageStop' || event.event === 'metadata')) out.push({ type: 'end' })
    return out
  }

  const carry = (value: JsonObject, out: StreamEvent[]) => out.push({ type: 'other', dialect: 'bedrock-converse', value })

  function readStart(start: JsonObject, block: number, out: StreamEvent[]): void {
    const call = start.toolUse
    if (isObject(call) && typeof call.toolUseId === 'string' && typeof call.name === 'string') {
      const index = calls_begun++
      calls.set(block, { index, argued: false })
      out.push({ type: 'tool_call_start', choice: 0, index, id: call.toolUseId, name: call.name })
    } else if (Object.keys(start).length > 0) carry({ contentBlockStart: { start, contentBlockIndex: block } }, out)
  }

  function readDelta(delta: JsonObject, block: number, out: StreamEvent[]): void {
    if (typeof delta.text === 'string') {
      if (delta.text !== '') out.push({ type: 'text', choice: 0, text: delta.text })
    } else if (isObject(delta.toolUse)) readArguments(delta.toolUse.input, block, out)
    else if (isObject(delta.reasoningContent)) readThought(delta.reasoningContent, out)
    else if (isObject(delta.citation) && !rest(delta, CITED)) out.push({ type: 'citation', choice: 0, value: delta.citation })
    else carry({ contentBlockDelta: { delta, contentBlockIndex: block } }, out)
  }

  function readArguments(input: Json | undefined, block: number, out: StreamEvent[]): void {
    const call = calls.get(block)
    if (call === undefined || input === undefined || input === '') return
    call.argued = true
    out.push({
      type: 'tool_call_arguments',
      choice: 0,
      index: call.index,
      fragment: typeof input === 'string' ? input : JSON.stringify(input),
    })
  }

  function readThought({ text, signature, redactedContent }: JsonObject, out: StreamEvent[]): void {
    const thought: Extract<StreamEvent, { type: 'reasoning' }> = {
      type: 'reasoning',
      choice: 0,
      text: typeof text === 'string' ? text : '',
    }
    if (typeof signature === 'string' && signature !== '') thought.signature = signature
    if (typeof redactedContent === 'string') thought.encrypted = redactedContent
    if (thought.text !== '' || thought.signature !== undefined || thought.encrypted !== undefined) out.push(thought)
  }

  /** A call without arguments is one with none, and says so in words that every client can read. */
  function endCall(block: number, out: StreamEvent[]): void {
    const call = calls.get(block)
    if (call === undefined) return
    calls.delete(block)
    if (!call.argued) out.push({ type: 'tool_call_arguments', choice: 0, index: call.index, fragment: '{}' })
    out.push({ type: 'tool_call_end', choice: 0, index: call.index })
  }

  function readStop(body: JsonObject, out: StreamEvent[]): void {
    for (const block of [...calls.keys()]) endCall(block, out)
    const beside = rest(body, STOP)
    if (beside) carry(beside, out)
    const finish = readFinish(body.stopReason)
    if (finish === null) return
    ended = true
    out.push({ type: 'finish', choice: 0, ...finish })
  }

  function readMetadata(body: JsonObject, out: StreamEvent[]): void {
    const beside = rest(body, METADATA)
    if (beside) carry(beside, out)
    if (!isObject(body.usage)) return
    counted = true
    out.push({ type: 'usage', usage: readUsage(body.usage) })
  }

  return { read }
}
