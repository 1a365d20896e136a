/**
 * A whole reply of Converse, read into the neutral form and written from it. It names neither itself nor its model.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { type JsonObject, type Loss, type Reply, type ReplyChoice, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, isShallow, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { readBlocks } from './block.ts'
import { type Writing, writeBlocks } from './block-write.ts'
import { readFinish, writeFinish } from './finish.ts'
import { readUsage, usageExtra, writeUsage } from './usage.ts'

const REPLY = new Set(['output', 'stopReason', 'usage', 'serviceTier'])
const MESSAGE = new Set(['role', 'content'])

/** The reply, or in a few words why this is none. */
export function readReply(body: JsonObject): Result<Reply, string> {
  const message = isObject(body.output) ? body.output.message : undefined
  if (!isObject(message)) return err('there is no message in it')
  if (!isShallow(body, Number.POSITIVE_INFINITY)) return err('it nests too deep')
  const parts = readBlocks(Array.isArray(message.content) ? message.content : [])
  const choice: ReplyChoice = {
    index: 0,
    parts: parts.filter(part => part.type !== 'text' || part.text !== '' || part.extra),
    ...(readFinish(body.stopReason) ?? { finish: null, finish_raw: null }),
  }
  const beside = rest(message, MESSAGE)
  if (beside) choice.extra = beside
  const extra = rest(body, REPLY) ?? {}
  const usage = isObject(body.usage) ? body.usage : null
  const usage_extra = usage && usageExtra(usage)
  if (usage_extra) extra.usage = usage_extra
  const tier = isObject(body.serviceTier) ? body.serviceTier.type : undefined
  return ok({
    dialect: 'bedrock-converse',
    id: '',
    model: '',
    created_at_s: null,
    choices: [choice],
    usage: usage ? readUsage(usage) : UNKNOWN_USAGE,
    service_tier: typeof tier === 'string' ? tier : null,
    extra,
  })
}

/** For writing an answer: every seal goes as it is, as whoever reads it must send it back. */
export const replyWriting = ({ dialect }: Pick<Reply, 'dialect'>, losses: Loss[]): Writing => ({
  own: dialect === 'bedrock-converse',
  from: dialect ?? 'bedrock-converse',
  losses,
  place: () => 'output.message',
  seals_of: null,
  caches: true,
})

export function writeReply(reply: Reply): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = []
  const own = reply.dialect === 'bedrock-converse'
  const { usage: usage_extra, ...extra } = own ? reply.extra : {}
  const [choice, ...others] = reply.choices
  if (others.length > 0) losses.push({ field: 'choices', how: 'dropped', note: 'one answer a reply here' })
  const content = writeBlocks(choice?.parts ?? [], j => `output.message.content[${j}]`, { documents: 0 }, replyWriting(reply, losses))
  const message: JsonObject = { role: 'assistant', content }
  if (own) carryExtra(message, choice?.extra)
  else loseExtra(choice?.extra, 'output.message', losses)
  if (choice?.logprobs !== undefined) losses.push({ field: 'logprobs', how: 'dropped' })
  const body: JsonObject = { output: { message } }
  if (choice && choice.finish !== null) body.stopReason = writeFinish(choice.finish, choice.finish_raw)
  const usage = writeUsage(reply.usage, isObject(usage_extra) ? usage_extra : undefined)
  if (usage) body.usage = usage
  if (reply.service_tier !== null) body.serviceTier = { type: reply.service_tier }
  if (own) carryExtra(body, extra)
  else loseExtra(reply.extra, '', losses)
  return { body, losses }
}
