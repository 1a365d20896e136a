/**
 * An answer in flight, written: neutral events to `chat.completion.chunk` events. Each chunk repeats the head of the answer, the
 * role stands in the first one of each choice, and the counts come once, behind everything else.
 */
import type { Json, JsonObject, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { writeFinish } from './finish.ts'
import { writeUsage } from './usage.ts'

export function writer(): EventWriter {
  /** What every chunk of the answer repeats. */
  let head: JsonObject = { id: '', object: 'chat.completion.chunk', created: 0, model: '' }
  let usage: TokenUsage | null = null
  const begun = new Set<number>()

  const data = (value: JsonObject): SseEvent => ({ event: null, data: JSON.stringify(value) })

  function chunk(choice: number, delta: JsonObject, logprobs?: Json, finish_reason: string | null = null): SseEvent[] {
    // The role stands in the first delta of each choice, as OpenAI has it.
    const first = !begun.has(choice)
    if (first) begun.add(choice)
    const written: JsonObject = { index: choice, delta: first ? { role: 'assistant', ...delta } : delta }
    if (logprobs !== undefined) written.logprobs = logprobs
    written.finish_reason = finish_reason
    return [data({ ...head, choices: [written] })]
  }

  function write(event: StreamEvent): SseEvent[] {
    switch (event.type) {
      case 'start':
        head = {
          id: event.id,
          object: 'chat.completion.chunk',
          created: event.created_at_s ?? 0,
          model: event.model,
          ...(event.dialect === 'openai-chat' ? event.extra : undefined),
        }
        return []
      case 'text':
        return chunk(event.choice, { content: event.text }, event.logprobs)
      case 'refusal':
        return chunk(event.choice, { refusal: event.text })
      case 'reasoning':
        return event.text === '' ? [] : chunk(event.choice, { reasoning_content: event.text })
      case 'tool_call_start':
        return chunk(event.choice, {
          tool_calls: [{ index: event.index, id: event.id, type: 'function', function: { name: event.name, arguments: '' } }],
        })
      case 'tool_call_arguments':
        return chunk(event.choice, { tool_calls: [{ index: event.index, function: { arguments: event.fragment } }] })
      case 'tool_call_end':
        return []
      case 'citation':
        return chunk(event.choice, { annotations: [event.value] })
      case 'finish':
        return chunk(event.choice, {}, undefined, writeFinish(event.finish, event.finish_raw))
      case 'usage':
        // Counts may come often and grow; this format has them once, behind everything else.
        usage = event.usage
        return []
      case 'error':
        return [data({ error: { message: event.message, type: 'server_error', param: null, code: event.code ?? event.status } })]
      case 'end':
        return [...usageChunk(), { event: null, data: '[DONE]' }]
      case 'other':
        if (event.dialect !== 'openai-chat' || !isObject(event.value)) return []
        // What stood beside the choices goes on standing there, in this chunk and the next ones.
        if (event.value.choices === undefined) head = { ...head, ...event.value }
        return [data({ ...head, choices: [], ...event.value })]
    }
  }

  function usageChunk(): SseEvent[] {
    const written = usage && writeUsage(usage, undefined)
    return written ? [data({ ...head, choices: [], usage: written })] : []
  }

  return { write }
}
