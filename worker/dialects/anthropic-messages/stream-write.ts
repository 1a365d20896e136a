/**
 * An answer in flight, written: neutral events become blocks that open, grow and close. One block is open at a time and the
 * fragments of a call go out as they come; a call opens its block with its name, and whatever comes next closes it. The reason and
 * the counts go out together at the end, as this format has them in one event.
 */
import type { DialectName, FinishReason, Json, JsonObject, Loss, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { loseBeside, loseCounts, loseOnce, tierIn } from '../beside.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { isSealed } from '../seal.ts'
import { writeCitation } from './citation.ts'
import { writeFinish } from './finish.ts'
import { isRedacted, sealOf } from './thought.ts'
import { UNCOUNTED, writeUsage } from './usage.ts'

type Start = Extract<StreamEvent, { type: 'start' }>
type Kind = 'text' | 'thinking' | 'call'

export function writer(): EventWriter {
  /** Held back until it is known whether the counts come with it. */
  let start: Start | null = null
  let from: DialectName | undefined
  let usage: TokenUsage | null = null
  let finish: { finish: FinishReason; finish_raw: string } | null = null
  let ending: JsonObject = {}
  let tier: string | undefined
  let failed = false
  let blocks = 0
  let open: { kind: Kind; block: number } | null = null
  /** The block of each call, by its neutral index: a late fragment still finds it. */
  const block_of = new Map<number, number>()
  const losses: Loss[] = []

  const event = (type: string, members: JsonObject): SseEvent => ({ event: type, data: JSON.stringify({ type, ...members }) })
  const delta = (index: number, grown: JsonObject) => event('content_block_delta', { index, delta: grown })

  function write(said: StreamEvent): SseEvent[] {
    if (said.type === 'start') {
      start = said
      from = said.dialect
      return []
    }
    if (said.type === 'usage') {
      usage = said.usage
      return opening()
    }
    const out = opening()
    if ('choice' in said && said.choice !== 0) lose('choices', 'there is one answer here')
    else tell(said, out)
    return out
  }

  function tell(said: Exclude<StreamEvent, Start>, out: SseEvent[]): void {
    switch (said.type) {
      case 'text':
        if (said.logprobs !== undefined) lose('logprobs')
        if (said.text !== '') out.push(...within('text', { type: 'text', text: '' }), delta(at(), { type: 'text_delta', text: said.text }))
        return
      case 'refusal':
        lose('refusal', 'said as text', 'approximated')
        out.push(...within('text', { type: 'text', text: '' }), delta(at(), { type: 'text_delta', text: said.text }))
        return
      case 'reasoning':
        think(said, out)
        return
      case 'tool_call_start':
        out.push(...closing(), begin('call', { type: 'tool_use', id: said.id, name: said.name, input: {} }))
        block_of.set(said.index, at())
        return
      case 'tool_call_arguments':
        out.push(delta(block_of.get(said.index) ?? at(), { type: 'input_json_delta', partial_json: said.fragment }))
        return
      case 'tool_call_end':
        if (open !== null && open.block === block_of.get(said.index)) out.push(...closing())
        return
      case 'citation': {
        const citation = writeCitation(said.value)
        if (citation === null) lose('citations', 'of other formats only web pages are cited here')
        else out.push(...within('text', { type: 'text', text: '' }), delta(at(), { type: 'citations_delta', citation }))
        return
      }
      case 'part':
        if (said.part.type === 'other' && said.part.dialect === 'anthropic-messages' && isObject(said.part.value))
          out.push(...closing(), ...whole(said.part.value))
        else lose(said.part.type, 'this format has no such part')
        return
      case 'finish':
        finish = said
        return
      case 'error':
        failed = true
        out.push({
          event: 'error',
          data: JSON.stringify({ type: 'error', error: { type: said.code ?? 'api_error', message: said.message } }),
        })
        return
      case 'other':
        if (said.dialect !== 'anthropic-messages') {
          loseBeside(said.value, losses)
          const late = tierIn(said.value)
          if (late !== undefined && late !== tier) lose('service_tier', 'it was told when the answer had begun')
        } else if (isObject(said.value)) ending = { ...ending, ...said.value }
        return
      case 'end':
        // Behind an error this format has nothing more.
        if (!failed) out.push(...closing(), ...over())
    }
  }

  function opening(): SseEvent[] {
    if (start === null) return []
    const { id, model, extra, dialect } = start
    const own = dialect === 'anthropic-messages'
    if (!own) loseBeside(extra, losses)
    const { usage: beside, ...others } = (own ? extra : undefined) ?? {}
    delete others.service_tier
    tier = tierIn(extra)
    start = null
    const counts = usage ? writeUsage(usage, isObject(beside) ? beside : undefined) : { input_tokens: 0, output_tokens: 0 }
    if (tier !== undefined) counts.service_tier = tier
    return [
      event('message_start', {
        message: {
          id,
          type: 'message',
          role: 'assistant',
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          ...others,
          usage: counts,
        },
      }),
    ]
  }

  const at = () => open?.block ?? 0

  function begin(kind: Kind, content_block: JsonObject): SseEvent {
    open = { kind, block: blocks }
    return event('content_block_start', { index: blocks++, content_block })
  }

  function closing(): SseEvent[] {
    if (open === null) return []
    const { block } = open
    open = null
    return [event('content_block_stop', { index: block })]
  }

  const within = (kind: Kind, content_block: JsonObject): SseEvent[] =>
    open?.kind === kind ? [] : [...closing(), begin(kind, content_block)]

  function think(said: Extract<StreamEvent, { type: 'reasoning' }>, out: SseEvent[]): void {
    if (isRedacted(said) && open?.kind !== 'thinking') {
      out.push(...closing(), begin('thinking', { type: 'redacted_thinking', data: sealOf(said, from) }), ...closing())
      return
    }
    if (said.text === '' && !isSealed(said)) return
    out.push(...within('thinking', { type: 'thinking', thinking: '', signature: '' }))
    if (said.text !== '') out.push(delta(at(), { type: 'thinking_delta', thinking: said.text }))
    // A signature is the last of its thought.
    if (isSealed(said)) out.push(delta(at(), { type: 'signature_delta', signature: sealOf(said, from) }), ...closing())
  }

  /** The input of a server's tool is told as the model would write it; clients gather it from there. */
  function whole(block: JsonObject): SseEvent[] {
    const { input, ...others } = block
    if (!isObject(input)) return [begin('text', block), ...closing()]
    const out = [begin('call', { ...others, input: {} })]
    if (Object.keys(input).length > 0) out.push(delta(at(), { type: 'input_json_delta', partial_json: JSON.stringify(input) }))
    return [...out, ...closing()]
  }

  function over(): SseEvent[] {
    const { usage: beside, stop_sequence, ...others } = ending
    const counts = usage ? writeUsage(usage, isObject(beside) ? beside : undefined) : { output_tokens: 0 }
    if (from !== 'anthropic-messages') loseCounts(usage, UNCOUNTED, losses)
    const stop_reason: Json = finish ? writeFinish(finish.finish, finish.finish_raw) : null
    return [
      event('message_delta', { delta: { stop_reason, stop_sequence: stop_sequence ?? null, ...others }, usage: counts }),
      event('message_stop', {}),
    ]
  }

  function lose(field: string, note?: string, how: Loss['how'] = 'dropped'): void {
    loseOnce(losses, note === undefined ? { field, how } : { field, how, note })
  }

  function follow(sent: SseEvent): void {
    const body = eventJson(sent)
    if (body === null || typeof body.index !== 'number') return
    if (body.type === 'content_block_stop') open = null
    if (body.type !== 'content_block_start' || !isObject(body.content_block)) return
    const { type } = body.content_block
    open = { kind: type === 'text' ? 'text' : type === 'thinking' ? 'thinking' : 'call', block: body.index }
    blocks = body.index + 1
  }

  return { write, losses: () => losses, follow }
}
