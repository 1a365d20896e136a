/**
 * A whole reply, `GenerateContentResponse`, read into the neutral form and written from it. What is said of an answer beside its
 * words (grounding, safety ratings) stays with its choice; pages that it is grounded on become citations of the text.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { type JsonObject, type Loss, type Part, type Reply, type ReplyChoice, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, isShallow, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { callIds } from './call-id.ts'
import { readFinish, writeFinish } from './finish.ts'
import { citationsOf } from './grounding.ts'
import { readLogprobs, writeLogprobs } from './logprobs.ts'
import { readParts } from './part.ts'
import { type Writing, writeParts } from './part-write.ts'
import { readUsage, usageExtra, writeUsage } from './usage.ts'

const REPLY = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId'])
export const CANDIDATE = new Set(['index', 'content', 'finishReason', 'logprobsResult'])

/** The reply, or in a few words why this is none. */
export function readReply(body: JsonObject): Result<Reply, string> {
  const blocked = blockReason(body)
  if (!Array.isArray(body.candidates) && blocked === null) return err('there are no candidates in it')
  if (!isShallow(body, Number.POSITIVE_INFINITY)) return err('it nests too deep')
  const id = typeof body.responseId === 'string' ? body.responseId : ''
  const extra = rest(body, REPLY) ?? {}
  const raw_usage = isObject(body.usageMetadata) ? body.usageMetadata : {}
  const usage_extra = usageExtra(raw_usage)
  if (usage_extra) extra.usageMetadata = usage_extra
  const ids = callIds(id)
  const candidates = Array.isArray(body.candidates) ? body.candidates.filter(isObject) : []
  const choices = candidates.map((raw, i) => readCandidate(raw, i, ids))
  // A prompt that was stopped has no answer; that it was stopped is the reason for its end.
  if (choices.length === 0 && blocked !== null) choices.push({ index: 0, parts: [], finish: 'content_filter', finish_raw: blocked })
  return ok({
    dialect: 'gemini',
    id,
    model: typeof body.modelVersion === 'string' ? body.modelVersion : '',
    created_at_s: createdAt(body),
    choices,
    usage: readUsage(raw_usage, body.candidates) ?? UNKNOWN_USAGE,
    service_tier: null,
    extra,
  })
}

/** `createTime` is sent by some surfaces only, and stays in `extra` in its full length. */
export function createdAt({ createTime }: JsonObject): number | null {
  const at_ms = typeof createTime === 'string' ? Date.parse(createTime) : Number.NaN
  return Number.isNaN(at_ms) ? null : Math.floor(at_ms / 1_000)
}

/** Why the prompt was stopped, where it was. */
export function blockReason({ promptFeedback }: JsonObject): string | null {
  return isObject(promptFeedback) && typeof promptFeedback.blockReason === 'string' ? promptFeedback.blockReason : null
}

function readCandidate(raw: JsonObject, position: number, ids: ReturnType<typeof callIds>): ReplyChoice {
  const content = isObject(raw.content) ? raw.content : {}
  const parts = readParts(Array.isArray(content.parts) ? content.parts : [], ids).filter(
    part => part.type !== 'text' || part.text !== '' || part.extra,
  )
  const choice: ReplyChoice = {
    index: typeof raw.index === 'number' ? raw.index : position,
    parts,
    ...(readFinish(raw.finishReason, callsTools(parts)) ?? { finish: null, finish_raw: null }),
  }
  const logprobs = readLogprobs(raw.logprobsResult)
  if (logprobs) choice.logprobs = logprobs
  const extra = rest(raw, CANDIDATE)
  if (extra) choice.extra = extra
  const citations = citationsOf(raw)
  const text = parts.findLast(part => part.type === 'text')
  if (citations.length > 0 && text?.type === 'text') text.citations = citations
  return choice
}

export const callsTools = (parts: readonly Part[]) => parts.some(part => part.type === 'tool_call')

/** For writing an answer: names of the answer's fields, and no seal that must not be missing. */
export const replyWriting = (reply: Pick<Reply, 'dialect'>, losses: Loss[], place: string): Writing => ({
  own: reply.dialect === 'gemini',
  from: reply.dialect ?? 'gemini',
  losses,
  place: () => place,
  names: new Map(),
  checks_seals: false,
})

export function writeReply(reply: Reply): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = []
  const own = reply.dialect === 'gemini'
  const { usageMetadata: usage_extra, ...extra } = own ? reply.extra : {}
  const body: JsonObject = { candidates: reply.choices.map((choice, i) => writeCandidate(choice, reply, `choices[${i}]`, losses)) }
  const usage = writeUsage(reply.usage, isObject(usage_extra) ? usage_extra : undefined)
  if (usage) body.usageMetadata = usage
  body.modelVersion = reply.model
  body.responseId = reply.id
  if (own) carryExtra(body, extra)
  else {
    loseExtra(reply.extra, '', losses)
    if (reply.created_at_s !== null) body.createTime = new Date(reply.created_at_s * 1_000).toISOString()
    if (reply.service_tier !== null) losses.push({ field: 'service_tier', how: 'dropped' })
  }
  if (isObject(body.promptFeedback) && reply.choices.every(choice => choice.parts.length === 0 && choice.finish_raw === blockReason(body)))
    delete body.candidates
  return { body, losses }
}

function writeCandidate(choice: ReplyChoice, reply: Reply, field: string, losses: Loss[]): JsonObject {
  const own = reply.dialect === 'gemini'
  // Its own citations go back in what they were made of.
  const parts = own && choice.extra?.groundingMetadata !== undefined ? choice.parts.map(withoutCitations) : choice.parts
  const written: JsonObject = {
    content: { role: 'model', parts: writeParts(parts, () => field, replyWriting(reply, losses, field)) },
    index: choice.index,
  }
  if (choice.finish !== null) written.finishReason = writeFinish(choice.finish, choice.finish_raw)
  const logprobs = writeLogprobs(choice.logprobs)
  if (logprobs) written.logprobsResult = logprobs
  if (own) carryExtra(written, choice.extra)
  else loseExtra(choice.extra, field, losses)
  return written
}

function withoutCitations(part: Part): Part {
  if (part.type !== 'text' || part.citations === undefined) return part
  const { citations: _, ...text } = part
  return text
}
