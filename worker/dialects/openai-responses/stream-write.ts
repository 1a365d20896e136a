/**
 * An answer in flight, written: neutral events become items that open, grow and are done. This format closes each part and item with
 * the whole of what it grew to, and the answer with the whole response, so what was said is kept until then.
 */
import type { DialectName, FinishReason, Json, JsonObject, Loss, Part, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { loseBeside, loseCounts, loseOnce, tierIn } from '../beside.ts'
import { isObject } from '../check.ts'
import type { EventWriter, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { carryExtra } from '../marks.ts'
import { CONTENT } from '../place.ts'
import { isSealed, sealText } from '../seal.ts'
import { writeCitation } from './citation.ts'
import { errorEvent } from './error.ts'
import { writeFinish } from './finish.ts'
import { ECHO, head, itemSelf, silent, UNCOUNTED } from './reply.ts'
import { writeUsage } from './usage.ts'

type Start = Extract<StreamEvent, { type: 'start' }>
/** An answer of 100,000 tokens has some 400,000 characters; ten times that is no answer. */
const KEPT_AT_MOST = 4 * 1024 * 1024

/** An item under way: `text` is what its newest part has grown to. */
type Open = { kind: 'message' | 'reasoning' | 'call'; at: number; item: JsonObject; text: string; part: JsonObject | null }

export function writer(): EventWriter {
  let start: Start = { type: 'start', id: '', model: '', created_at_s: null }
  let from: DialectName | undefined
  let sequence_number = 0
  let extra: JsonObject = {}
  const output: JsonObject[] = []
  /** The message or thought that is growing. */
  let open: Open | null = null
  /** Calls stay open until they are said to be over, as several may grow at a time. */
  const calls = new Map<number, Open>()
  let usage: TokenUsage | null = null
  let finish: { finish: FinishReason; finish_raw: string } | null = null
  let kept = 0
  /** An answer that failed has no other end. */
  let failed: JsonObject | null = null
  const losses: Loss[] = []
  /** Ids of messages that somebody else began, by their place. */
  const begun = new Map<number, Json>()

  const event = (type: string, members: JsonObject): SseEvent => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: sequence_number++, ...members }),
  })

  function write(said: StreamEvent): SseEvent[] {
    if ('choice' in said && said.choice !== 0) return lose('choices', 'there is one answer here')
    switch (said.type) {
      case 'start':
        return begin(said)
      case 'text':
        return [...within('message', 'output_text'), ...growText(said)]
      case 'refusal':
        return [...within('message', 'refusal'), ...grow('response.refusal.delta', said.text)]
      case 'reasoning':
        return think(said)
      case 'tool_call_start':
        return [...closing(), openCall(said)]
      case 'tool_call_arguments':
        return growCall(said.index, said.fragment)
      case 'tool_call_end':
        return closeCall(said.index)
      case 'citation':
        return cite(said.value)
      case 'part':
        return tellPart(said.part)
      case 'finish':
        finish = said
        return []
      case 'usage':
        usage = said.usage
        return []
      case 'error':
        failed = { code: said.code ?? 'server_error', message: said.message }
        return [event('error', errorEvent({ type: 'server_error', ...failed, param: null }))]
      case 'other':
        if (said.dialect !== 'openai-responses') beside(said.value)
        else if (isObject(said.value)) extra = { ...extra, ...said.value }
        return []
      case 'end':
        return over()
    }
  }

  function begin(said: Start): SseEvent[] {
    start = said
    from = said.dialect
    if (from !== 'openai-responses') beside(said.extra)
    else if (said.extra) extra = said.extra
    const response = { ...responseWith({ status: 'in_progress', incomplete_details: null }), output: [] }
    return [event('response.created', { response }), event('response.in_progress', { response })]
  }

  function beside(members: Json | undefined): void {
    loseBeside(members, losses)
    const service_tier = tierIn(members)
    if (service_tier !== undefined) extra = { ...extra, service_tier }
  }

  function responseWith(ending: JsonObject): JsonObject {
    const { [ECHO]: echo, usage: _, ...others } = extra
    const response: JsonObject = {
      ...(from === 'openai-responses' ? undefined : silent()),
      ...(isObject(echo) ? echo : undefined),
      ...head(start.id, start.model, start.created_at_s),
      ...ending,
      output,
    }
    carryExtra(response, others)
    return response
  }

  function addItem(kind: Open['kind'], type: string, members: JsonObject): { opened: Open; event: SseEvent } {
    const at = output.length
    const item: JsonObject = { type, ...itemSelf(type, start.id, at, 'in_progress'), ...members }
    const id = begun.get(at)
    if (id !== undefined) item.id = id
    output.push(item)
    return { opened: { kind, at, item, text: '', part: null }, event: event('response.output_item.added', { output_index: at, item }) }
  }

  /** The message or thought that what comes next belongs to, with a part of this type under way. */
  function within(kind: 'message' | 'reasoning', part_type: string): SseEvent[] {
    if (open?.kind === kind && open.part?.type === part_type) return []
    const out: SseEvent[] = open?.kind === kind ? closingPart(open) : closing()
    if (open === null) {
      const members: JsonObject = kind === 'message' ? { role: 'assistant', content: [] } : { summary: [] }
      const added = addItem(kind, kind, members)
      open = added.opened
      out.push(added.event)
    }
    const part: JsonObject =
      part_type === 'output_text'
        ? { type: part_type, text: '', annotations: [], logprobs: [] }
        : part_type === 'refusal'
          ? { type: part_type, refusal: '' }
          : { type: part_type, text: '' }
    open.part = part
    open.text = ''
    partsOf(open).push(part)
    const added = kind === 'message' ? 'response.content_part.added' : 'response.reasoning_summary_part.added'
    return [...out, event(added, { ...place(open), part: { ...part } })]
  }

  const partsOf = ({ kind, item }: Open): Json[] => (kind === 'message' ? item.content : item.summary) as Json[]

  /** Which item, and which part of it, an event is about. */
  function place(of: Open): JsonObject {
    const where: JsonObject = { item_id: of.item.id as Json, output_index: of.at }
    if (of.kind === 'call') return where
    return { ...where, [of.kind === 'message' ? 'content_index' : 'summary_index']: partsOf(of).length - 1 }
  }

  function grow(type: string, text: string, beside?: JsonObject): SseEvent[] {
    if (open === null) return []
    keep(open, text)
    return [event(type, { ...place(open), delta: text, ...beside })]
  }

  /** What is longer than any answer goes out piece by piece and is not told again whole. */
  function keep(of: Open, text: string): void {
    if (kept + text.length > KEPT_AT_MOST) lose('output', 'too long to be told again whole')
    else {
      kept += text.length
      of.text += text
    }
  }

  function growText({ text, logprobs }: Extract<StreamEvent, { type: 'text' }>): SseEvent[] {
    const likely = isObject(logprobs) && Array.isArray(logprobs.content) ? logprobs.content : []
    if (open?.part && likely.length > 0) (open.part.logprobs as Json[]).push(...likely)
    return grow('response.output_text.delta', text, { logprobs: likely })
  }

  function cite(value: Json): SseEvent[] {
    const annotation = writeCitation(value, open?.kind === 'message' ? open.text.length : 0)
    if (annotation === null) return lose('citations', 'of other formats only web pages are cited here')
    const out = within('message', 'output_text')
    if (open?.part) {
      const annotations = open.part.annotations as Json[]
      annotations.push(annotation)
      out.push(event('response.output_text.annotation.added', { ...place(open), annotation_index: annotations.length - 1, annotation }))
    }
    return out
  }

  /** A seal closes its thought. */
  function think(said: Extract<StreamEvent, { type: 'reasoning' }>): SseEvent[] {
    const out: SseEvent[] = []
    if (said.text !== '') out.push(...within('reasoning', 'summary_text'), ...grow('response.reasoning_summary_text.delta', said.text))
    if (!isSealed(said)) return out
    if (open?.kind !== 'reasoning') {
      out.push(...closing())
      const added = addItem('reasoning', 'reasoning', { summary: [] })
      open = added.opened
      out.push(added.event)
    }
    const whose = said.seal_of ?? from
    const seal = whose === 'openai-responses' ? (said.encrypted ?? null) : whose === undefined ? null : sealText(said, whose)
    if (seal !== null && open) open.item.encrypted_content = seal
    return [...out, ...closing()]
  }

  function closingPart(of: Open): SseEvent[] {
    const { part, text } = of
    if (part === null) return []
    if (part.type === 'refusal') part.refusal = text
    else part.text = text
    const where = place(of)
    of.part = null
    if (of.kind === 'reasoning')
      return [
        event('response.reasoning_summary_text.done', { ...where, text }),
        event('response.reasoning_summary_part.done', { ...where, part }),
      ]
    const done =
      part.type === 'refusal'
        ? event('response.refusal.done', { ...where, refusal: text })
        : event('response.output_text.done', { ...where, text, logprobs: part.logprobs as Json })
    return [done, event('response.content_part.done', { ...where, part })]
  }

  function closing(): SseEvent[] {
    if (open === null) return []
    const closed = open
    const out = closingPart(closed)
    open = null
    return [...out, done(closed)]
  }

  function done({ item, at }: Open): SseEvent {
    if (item.status !== undefined) item.status = 'completed'
    return event('response.output_item.done', { output_index: at, item })
  }

  function openCall({ index, id, name }: Extract<StreamEvent, { type: 'tool_call_start' }>): SseEvent {
    const added = addItem('call', 'function_call', { call_id: id, name, arguments: '' })
    calls.set(index, added.opened)
    return added.event
  }

  function growCall(index: number, fragment: string): SseEvent[] {
    const call = calls.get(index)
    if (call === undefined) return []
    keep(call, fragment)
    return [event('response.function_call_arguments.delta', { ...place(call), delta: fragment })]
  }

  function closeCall(index: number): SseEvent[] {
    const call = calls.get(index)
    if (call === undefined) return []
    calls.delete(index)
    call.item.arguments = call.text
    return [event('response.function_call_arguments.done', { ...place(call), arguments: call.text }), done(call)]
  }

  function tellPart(part: Part): SseEvent[] {
    if (part.type !== 'other' || part.dialect !== 'openai-responses' || !isObject(part.value))
      return lose(part.type, 'this format has no such part')
    const inner = part.value[CONTENT]
    if (isObject(inner)) {
      const out = within('message', 'output_text')
      if (open === null) return out
      out.push(...closingPart(open))
      partsOf(open).push(inner)
      return [
        ...out,
        event('response.content_part.added', { ...place(open), part: inner }),
        event('response.content_part.done', { ...place(open), part: inner }),
      ]
    }
    const out = closing()
    const at = output.push(part.value) - 1
    return [
      ...out,
      event('response.output_item.added', { output_index: at, item: part.value }),
      event('response.output_item.done', { output_index: at, item: part.value }),
    ]
  }

  function over(): SseEvent[] {
    const out = closing()
    for (const index of [...calls.keys()]) out.push(...closeCall(index))
    const ending = failed
      ? { status: 'failed', incomplete_details: null, error: failed }
      : finish
        ? writeFinish(finish.finish, finish.finish_raw)
        : { status: 'incomplete', incomplete_details: null }
    const response = responseWith(ending)
    const counts = usage && writeUsage(usage, isObject(extra.usage) ? extra.usage : undefined)
    if (counts) response.usage = counts
    if (from !== 'openai-responses') loseCounts(usage, UNCOUNTED, losses)
    return [...out, event(`response.${ending.status}`, { response })]
  }

  function lose(field: string, note: string): SseEvent[] {
    loseOnce(losses, { field, how: 'dropped', note })
    return []
  }

  function follow(sent: SseEvent): void {
    const body = eventJson(sent)
    if (body === null) return
    const { type, output_index, item } = body
    if (type === 'response.content_part.done' && open !== null && open.at === output_index) closingPart(open)
    if (type === 'response.output_item.done' && open?.at === output_index) closing()
    if (type === 'response.output_item.added' && typeof output_index === 'number' && isObject(item)) {
      if (item.type === 'message') begun.set(output_index, item.id ?? null)
      // A thought that was told to nobody has its place all the same.
      else if (output_index === output.length) output.push(item)
    }
    if (typeof body.sequence_number === 'number') sequence_number = body.sequence_number + 1
  }

  return { write, losses: () => losses, follow }
}
