/**
 * An answer in flight, written: neutral events to whole `GenerateContentResponse`s. A call is told when it is whole, as this format
 * has it; the reason to end and the counts stand together in the last event, so the reason waits for the counts.
 */
import type { JsonObject, Loss, Part, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { writeFinish } from './finish.ts'
import { writeLogprobs } from './logprobs.ts'
import { writeParts } from './part-write.ts'
import { replyWriting } from './reply.ts'
import { writeUsage } from './usage.ts'

type Call = Extract<Part, { type: 'tool_call' }>
type Choice = { calls: Map<number, Call>; seal: Part | null }

export function writer(): EventWriter {
  let head: JsonObject = { modelVersion: '', responseId: '' }
  let beside: JsonObject | undefined
  let from: StreamEvent & { type: 'start' } = { type: 'start', id: '', model: '', created_at_s: null }
  let usage: TokenUsage | null = null
  const ends: JsonObject[] = []
  const choices = new Map<number, Choice>()
  const losses: Loss[] = []

  const data = (value: JsonObject): SseEvent => ({ event: null, data: JSON.stringify(value) })

  function chunk(candidate: JsonObject): SseEvent {
    const written = data({ candidates: [candidate], ...head, ...beside })
    beside = undefined
    return written
  }

  function parts(choice: number, told: Part[]): SseEvent[] {
    const written = writeParts(told, () => 'candidates', replyWriting(from, losses, 'candidates'))
    return written.length === 0 ? [] : [chunk({ content: { role: 'model', parts: written }, index: choice })]
  }

  const stateOf = (choice: number): Choice => {
    const known = choices.get(choice) ?? { calls: new Map(), seal: null }
    choices.set(choice, known)
    return known
  }

  /** A seal waits for what comes next: a call takes it, everything else leaves it alone. */
  function unsealed(choice: number): SseEvent[] {
    const state = stateOf(choice)
    const { seal } = state
    state.seal = null
    return seal === null ? [] : parts(choice, [seal])
  }

  function write(event: StreamEvent): SseEvent[] {
    switch (event.type) {
      case 'start':
        from = event
        head = { modelVersion: event.model, responseId: event.id }
        if (event.dialect === 'gemini') beside = event.extra
        else if (event.created_at_s !== null) head.createTime = new Date(event.created_at_s * 1_000).toISOString()
        return []
      case 'text': {
        const { choice, text } = event
        const logprobs = writeLogprobs(event.logprobs)
        if (text === '' && logprobs === null) return []
        const candidate: JsonObject = { content: { role: 'model', parts: [{ text }] }, index: choice }
        if (logprobs) candidate.logprobsResult = logprobs
        return [...unsealed(choice), chunk(candidate)]
      }
      case 'refusal':
        return [...unsealed(event.choice), ...parts(event.choice, [{ type: 'refusal', text: event.text }])]
      case 'reasoning': {
        const { choice, type: _, ...thought } = event
        if (thought.text !== '') return [...unsealed(choice), ...parts(choice, [{ type: 'reasoning', ...thought }])]
        const written = unsealed(choice)
        stateOf(choice).seal = { type: 'reasoning', ...thought }
        return written
      }
      case 'tool_call_start':
        stateOf(event.choice).calls.set(event.index, { type: 'tool_call', id: event.id, name: event.name, arguments: '' })
        return []
      case 'tool_call_arguments': {
        const call = stateOf(event.choice).calls.get(event.index)
        if (call) call.arguments += event.fragment
        return []
      }
      case 'tool_call_end':
        return endCall(event.choice, event.index)
      case 'citation':
        // Its own ones are told by what they are made of.
        return from.dialect === 'gemini' ? [] : lose('citations', 'pages are told here as what the whole answer is grounded on')
      case 'part':
        return [...unsealed(event.choice), ...parts(event.choice, [event.part])]
      case 'finish':
        return finish(event)
      case 'usage':
        usage = event.usage
        return []
      case 'error':
        return [data({ error: { code: event.status ?? 500, message: event.message, status: event.code ?? 'INTERNAL' } })]
      case 'end':
        return end()
      case 'other':
        return other(event)
    }
  }

  function endCall(choice: number, index: number): SseEvent[] {
    const state = stateOf(choice)
    const call = state.calls.get(index)
    if (call === undefined) return []
    state.calls.delete(index)
    const { seal } = state
    state.seal = null
    return parts(choice, seal === null ? [call] : [seal, call])
  }

  function finish({ choice, finish: why, finish_raw }: Extract<StreamEvent, { type: 'finish' }>): SseEvent[] {
    const written = [...stateOf(choice).calls.keys()].flatMap(index => endCall(choice, index))
    ends.push({ finishReason: writeFinish(why, finish_raw), index: choice })
    return [...written, ...unsealed(choice)]
  }

  function end(): SseEvent[] {
    const counts = usage && writeUsage(usage, undefined)
    if (ends.length === 0 && counts === null) return []
    const last: JsonObject = { candidates: ends, ...head, ...beside }
    if (counts) last.usageMetadata = counts
    return [data(last)]
  }

  function other(event: Extract<StreamEvent, { type: 'other' }>): SseEvent[] {
    if (event.dialect !== 'gemini' || !isObject(event.value)) return []
    const { choices: candidates } = event.value
    if (Array.isArray(candidates)) return candidates.filter(isObject).map(chunk)
    beside = { ...beside, ...event.value }
    return []
  }

  function lose(field: string, note: string): SseEvent[] {
    if (!losses.some(loss => loss.field === field)) losses.push({ field, how: 'dropped', note })
    return []
  }

  return { write, losses: () => losses }
}
