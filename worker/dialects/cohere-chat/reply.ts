/**
 * A whole reply, read into the neutral form and written from it. It does not name its model.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { type JsonObject, type Loss, type Reply, type ReplyChoice, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, isShallow, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { readFinish, writeFinish } from './finish.ts'
import { readSaid, writeSaid } from './message.ts'
import { readUsage, usageExtra, writeUsage } from './usage.ts'

const REPLY = new Set(['id', 'message', 'finish_reason', 'usage'])
const MESSAGE = new Set(['role', 'content', 'tool_plan', 'tool_calls', 'citations'])

/** The reply, or in a few words why this is none. */
export function readReply(body: JsonObject): Result<Reply, string> {
  const { message } = body
  if (!isObject(message)) return err('there is no message in it')
  if (!isShallow(body, Number.POSITIVE_INFINITY)) return err('it nests too deep')
  const choice: ReplyChoice = {
    index: 0,
    parts: readSaid(message).filter(part => part.type !== 'text' || part.text !== '' || part.extra),
    ...(readFinish(body.finish_reason) ?? { finish: null, finish_raw: null }),
  }
  const beside = rest(message, MESSAGE)
  if (beside) choice.extra = beside
  const extra = rest(body, REPLY) ?? {}
  const usage = isObject(body.usage) ? body.usage : null
  const usage_extra = usage && usageExtra(usage)
  if (usage_extra) extra.usage = usage_extra
  return ok({
    dialect: 'cohere-chat',
    id: typeof body.id === 'string' ? body.id : '',
    model: '',
    created_at_s: null,
    choices: [choice],
    usage: usage ? readUsage(usage) : UNKNOWN_USAGE,
    service_tier: null,
    extra,
  })
}

export function writeReply(reply: Reply): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = []
  const own = reply.dialect === 'cohere-chat'
  const [choice, ...others] = reply.choices
  const { usage: usage_extra, ...extra } = own ? reply.extra : {}
  if (others.length > 0) losses.push({ field: 'choices', how: 'dropped', note: 'one answer a reply here' })
  const to = { own, from: reply.dialect ?? 'cohere-chat', losses, place: () => 'message' }
  const message = writeSaid({ role: 'assistant', parts: choice?.parts ?? [] }, j => `message.content[${j}]`, to)
  if (own) carryExtra(message, choice?.extra)
  else loseExtra(choice?.extra, 'message', losses)
  if (choice?.logprobs !== undefined) losses.push({ field: 'logprobs', how: 'dropped' })
  const body: JsonObject = { id: reply.id, message }
  if (choice && choice.finish !== null) body.finish_reason = writeFinish(choice.finish, choice.finish_raw)
  const usage = writeUsage(reply.usage, isObject(usage_extra) ? usage_extra : undefined)
  if (usage) body.usage = usage
  if (own) carryExtra(body, extra)
  else loseExtra(reply.extra, '', losses)
  return { body, losses }
}
