/**
 * An answer in flight, written: neutral events to `chat.completion.chunk` events. Each chunk repeats the head of the answer, the
 * role stands in the first one of each choice, and the counts come once, behind everything else.
 */
import type { DialectName, Json, JsonObject, Loss, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { loseBeside, loseCounts, loseOnce, tierIn } from '../beside.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { isSealed } from '../seal.ts'
import { writeCitation } from './citation.ts'
import { writeFinish } from './finish.ts'
import { PAUSE, UNCOUNTED } from './reply.ts'
import { writeThought } from './thought.ts'
import { writeUsage } from './usage.ts'

export function writer(): EventWriter {
  /** What every chunk of the answer repeats. */
  let head: JsonObject = { id: '', object: 'chat.completion.chunk', created: 0, model: '' }
  let usage: TokenUsage | null = null
  let usage_extra: JsonObject | undefined
  let from: DialectName | undefined
  /** What of a thought has been told and not yet sealed, by choice. */
  const thinking = new Map<number, string>()
  let sealed = 0
  /** Characters told so far, by choice: citations say where they belong. */
  const said = new Map<number, number>()
  const losses: Loss[] = []
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
        from = event.dialect
        head = {
          id: event.id,
          object: 'chat.completion.chunk',
          created: event.created_at_s ?? 0,
          model: event.model,
          ...(event.dialect === 'openai-chat' ? event.extra : undefined),
        }
        if (event.dialect !== 'openai-chat') beside(event.extra)
        return []
      case 'text':
        said.set(event.choice, (said.get(event.choice) ?? 0) + event.text.length)
        return chunk(event.choice, { content: event.text }, event.logprobs)
      case 'refusal':
        return chunk(event.choice, { refusal: event.text })
      case 'reasoning':
        return thought(event)
      case 'tool_call_start':
        return chunk(event.choice, {
          tool_calls: [{ index: event.index, id: event.id, type: 'function', function: { name: event.name, arguments: '' } }],
        })
      case 'tool_call_arguments':
        return chunk(event.choice, { tool_calls: [{ index: event.index, function: { arguments: event.fragment } }] })
      case 'tool_call_end':
        return []
      case 'citation':
        return cited(event.choice, event.value)
      case 'part':
        return event.part.type === 'other' && event.part.dialect === 'openai-chat' && isObject(event.part.value)
          ? chunk(event.choice, event.part.value)
          : lose(event.part.type, 'this format has no such part')
      case 'finish':
        if (event.finish === 'pause') loseOnce(losses, PAUSE)
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
        if (event.dialect !== 'openai-chat') beside(event.value)
        if (event.dialect !== 'openai-chat' || !isObject(event.value)) return []
        if (isObject(event.value.usage)) {
          usage_extra = event.value.usage
          return []
        }
        // What stood beside the choices goes on standing there, in this chunk and the next ones.
        if (event.value.choices === undefined) head = { ...head, ...event.value }
        return [data({ ...head, choices: [], ...event.value })]
    }
  }

  /** A seal closes its thought and names it whole, as clients that keep only the last piece must be able to send it back. */
  function thought(event: Extract<StreamEvent, { type: 'reasoning' }>): SseEvent[] {
    const { choice, text } = event
    const said = (thinking.get(choice) ?? '') + text
    const entry = isSealed(event) ? writeThought({ ...event, text: said }, from, sealed) : null
    thinking.set(choice, entry ? '' : said)
    if (entry) sealed++
    if (text === '' && entry === null) return []
    return chunk(choice, {
      ...(text === '' ? undefined : { reasoning_content: text }),
      ...(entry ? { reasoning_details: [entry] } : undefined),
    })
  }

  function cited(choice: number, value: Json): SseEvent[] {
    const annotation = writeCitation(value, 0, said.get(choice) ?? 0)
    return annotation === null ? lose('citations', 'only web pages are cited here') : chunk(choice, { annotations: [annotation] })
  }

  function beside(members: Json | undefined): void {
    loseBeside(members, losses)
    const service_tier = tierIn(members)
    if (service_tier !== undefined) head = { ...head, service_tier }
  }

  function lose(field: string, note: string): SseEvent[] {
    loseOnce(losses, { field, how: 'dropped', note })
    return []
  }

  function usageChunk(): SseEvent[] {
    const written = usage && writeUsage(usage, usage_extra)
    if (from !== 'openai-chat') loseCounts(usage, UNCOUNTED, losses)
    return written ? [data({ ...head, choices: [], usage: written })] : []
  }

  return { write, losses: () => losses }
}
