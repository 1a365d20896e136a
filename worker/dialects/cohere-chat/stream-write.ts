/**
 * An answer in flight, written: blocks that open when their kind changes, calls, and one last event with the reason and the counts.
 */
import type { JsonObject, Loss, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { writeFinish } from './finish.ts'
import { writeUsage } from './usage.ts'

type Kind = 'text' | 'thinking'

export function writer(): EventWriter {
  let own = true
  let open: Kind | null = null
  let blocks = 0
  let cited = 0
  let usage: TokenUsage | null = null
  let finish: string | null = null
  let ending: JsonObject = {}
  const losses: Loss[] = []

  const event = (type: string, members: JsonObject): SseEvent => ({ event: type, data: JSON.stringify({ type, ...members }) })
  const about = (type: string, index: number, message: JsonObject): SseEvent => event(type, { index, delta: { message } })

  function close(): SseEvent[] {
    if (open === null) return []
    open = null
    return [event('content-end', { index: blocks++ })]
  }

  function within(kind: Kind): SseEvent[] {
    if (open === kind) return []
    const closed = close()
    open = kind
    return [...closed, about('content-start', blocks, { content: { type: kind, [kind]: '' } })]
  }

  const grow = (kind: Kind, text: string): SseEvent[] =>
    text === '' ? [] : [...within(kind), about('content-delta', blocks, { content: { [kind]: text } })]

  function write(said: StreamEvent): SseEvent[] {
    if ('choice' in said && said.choice > 0) return lose('choices')
    switch (said.type) {
      case 'start': {
        own = said.dialect === 'cohere-chat'
        const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] }
        return [event('message-start', { id: said.id, delta: { message } })]
      }
      case 'text':
        if (said.logprobs !== undefined) lose('logprobs')
        return grow('text', said.text)
      case 'refusal':
        return grow('text', said.text)
      case 'reasoning':
        if (said.signature !== undefined || said.encrypted !== undefined) lose('signature')
        return grow('thinking', said.text)
      case 'tool_call_start': {
        const call = { id: said.id, type: 'function', function: { name: said.name, arguments: '' } }
        return [...close(), about('tool-call-start', said.index, { tool_calls: call })]
      }
      case 'tool_call_arguments':
        return [about('tool-call-delta', said.index, { tool_calls: { function: { arguments: said.fragment } } })]
      case 'tool_call_end':
        return [event('tool-call-end', { index: said.index })]
      case 'citation': {
        if (!own || !isObject(said.value)) return lose('citations')
        const index = cited++
        return [about('citation-start', index, { citations: said.value }), event('citation-end', { index })]
      }
      case 'part':
        return lose(said.part.type)
      case 'finish':
        finish = writeFinish(said.finish, said.finish_raw)
        return []
      case 'usage':
        usage = said.usage
        return []
      case 'error':
        return [...close(), event('message-end', { delta: { finish_reason: 'ERROR', error: said.message } })]
      case 'other':
        return other(said)
      case 'end':
        return over()
    }
  }

  /** An event of tomorrow goes back as it came; what stood beside the reason goes back with it. */
  function other({ dialect, value }: Extract<StreamEvent, { type: 'other' }>): SseEvent[] {
    if (dialect !== 'cohere-chat' || !isObject(value)) return []
    if (typeof value.type === 'string') return [{ event: value.type, data: JSON.stringify(value) }]
    ending = { ...ending, ...value }
    return []
  }

  function over(): SseEvent[] {
    const { usage: beside, ...others } = ending
    const counts = usage && writeUsage(usage, isObject(beside) ? beside : undefined)
    const delta: JsonObject = { ...(finish !== null && { finish_reason: finish }), ...(counts && { usage: counts }), ...others }
    return [...close(), event('message-end', { delta })]
  }

  function lose(field: string): SseEvent[] {
    if (!losses.some(loss => loss.field === field)) losses.push({ field, how: 'dropped' })
    return []
  }

  return { write, losses: () => losses }
}
