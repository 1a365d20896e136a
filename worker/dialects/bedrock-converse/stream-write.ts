/**
 * An answer in flight, written: neutral events to named frames. A block is closed when another one begins, and the counts are the
 * last thing said.
 */
import type { JsonObject, Loss, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { writeFinish } from './finish.ts'
import { writeUsage } from './usage.ts'

type Kind = 'text' | 'reasoning' | 'toolUse'

export function writer(): EventWriter {
  let own = true
  let block = -1
  let open: { kind: Kind; call: number | null; sealed: boolean } | null = null
  /** Blocks of calls that are still being argued, by the call's index. */
  const calls = new Map<number, number>()
  let usage: TokenUsage | null = null
  let metadata: JsonObject = {}
  const losses: Loss[] = []

  const frame = (event: string, value: JsonObject): SseEvent => ({ event, data: JSON.stringify(value) })
  const delta = (value: JsonObject, at = block): SseEvent => frame('contentBlockDelta', { contentBlockIndex: at, delta: value })

  /** Text and thoughts close when something else begins; a call closes when it ends. */
  function close(): SseEvent[] {
    if (open === null) return []
    open = null
    return [frame('contentBlockStop', { contentBlockIndex: block })]
  }

  function within(kind: 'text' | 'reasoning'): SseEvent[] {
    if (open?.kind === kind && !open.sealed) return []
    const closed = close()
    block++
    open = { kind, call: null, sealed: false }
    return closed
  }

  function write(event: StreamEvent): SseEvent[] {
    switch (event.type) {
      case 'start':
        own = event.dialect === 'bedrock-converse'
        return [frame('messageStart', { role: 'assistant' })]
      case 'text':
        if (event.logprobs !== undefined) lose('logprobs')
        return event.choice > 0 ? lose('choices') : event.text === '' ? [] : [...within('text'), delta({ text: event.text })]
      case 'refusal':
        return event.choice > 0 ? lose('choices') : [...within('text'), delta({ text: event.text })]
      case 'reasoning':
        return event.choice > 0 ? lose('choices') : thought(event)
      case 'tool_call_start': {
        if (event.choice > 0) return lose('choices')
        const closed = close()
        block++
        calls.set(event.index, block)
        const start = { toolUse: { toolUseId: event.id, name: event.name } }
        return [...closed, frame('contentBlockStart', { contentBlockIndex: block, start })]
      }
      case 'tool_call_arguments': {
        const at = event.choice > 0 ? undefined : calls.get(event.index)
        return at === undefined ? [] : [delta({ toolUse: { input: event.fragment } }, at)]
      }
      case 'tool_call_end': {
        const at = event.choice > 0 ? undefined : calls.get(event.index)
        if (at === undefined) return []
        calls.delete(event.index)
        return [frame('contentBlockStop', { contentBlockIndex: at })]
      }
      case 'citation':
        return own ? [...within('text'), delta({ citation: event.value })] : lose('citations')
      case 'part':
        return lose(event.part.type)
      case 'finish':
        return event.choice > 0 ? [] : [...close(), frame('messageStop', { stopReason: writeFinish(event.finish, event.finish_raw) })]
      case 'usage':
        usage = event.usage
        return []
      case 'error':
        return [frame(event.code?.endsWith('Exception') ? event.code : 'internalServerException', { message: event.message })]
      case 'end':
        return end()
      case 'other':
        return other(event)
    }
  }

  function thought({ text, signature, encrypted }: Extract<StreamEvent, { type: 'reasoning' }>): SseEvent[] {
    const out = within('reasoning')
    if (text !== '') out.push(delta({ reasoningContent: { text } }))
    if (signature !== undefined) out.push(delta({ reasoningContent: { signature } }))
    if (encrypted !== undefined) out.push(delta({ reasoningContent: { redactedContent: encrypted } }))
    if (open && (signature !== undefined || encrypted !== undefined)) open.sealed = true
    return out
  }

  function end(): SseEvent[] {
    const counts = usage && writeUsage(usage, undefined)
    if (counts) metadata = { usage: counts, ...metadata }
    return Object.keys(metadata).length === 0 ? [] : [frame('metadata', metadata)]
  }

  /** What stood beside the counts or the reason goes back with the counts; a frame of tomorrow goes back as it came. */
  function other({ dialect, value }: Extract<StreamEvent, { type: 'other' }>): SseEvent[] {
    if (dialect !== 'bedrock-converse' || !isObject(value)) return []
    const [name] = Object.keys(value)
    const inner = name === undefined ? undefined : value[name]
    if (name?.startsWith('contentBlock') && isObject(inner)) return [...close(), frame(name, inner)]
    metadata = { ...metadata, ...value }
    return []
  }

  function lose(field: string): SseEvent[] {
    if (!losses.some(loss => loss.field === field)) losses.push({ field, how: 'dropped' })
    return []
  }

  return { write, losses: () => losses }
}
