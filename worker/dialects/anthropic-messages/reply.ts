/**
 * A whole reply, `message`, read into the neutral form and written from it. There is one answer here; its blocks are the parts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { type JsonObject, type Loss, type Part, type Reply, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { loseCounts } from '../beside.ts'
import { isObject, isShallow, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { readBlock, type Writing, writeContent } from './block.ts'
import { readFinish, writeFinish } from './finish.ts'
import { readUsage, UNCOUNTED, usageExtra, writeUsage } from './usage.ts'

const REPLY = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage'])

/** The reply, or in a few words why this is none. */
export function readReply(body: JsonObject): Result<Reply, string> {
  if (!Array.isArray(body.content)) return err('there is no content in it')
  if (!isShallow(body, Number.POSITIVE_INFINITY)) return err('it nests too deep')
  const parts: Part[] = []
  for (const raw of body.content) {
    const part = isObject(raw) ? readBlock(raw) : 'content'
    // A reply that cannot be read in part is still an answer in its other parts.
    if (typeof part !== 'string') parts.push(part)
  }
  const extra = rest(body, REPLY) ?? {}
  if (typeof body.stop_sequence === 'string') extra.stop_sequence = body.stop_sequence
  const usage = isObject(body.usage) ? body.usage : null
  const usage_extra = usage && usageExtra(usage)
  if (usage_extra) extra.usage = usage_extra
  return ok({
    dialect: 'anthropic-messages',
    id: typeof body.id === 'string' ? body.id : '',
    model: typeof body.model === 'string' ? body.model : '',
    created_at_s: null,
    choices: [{ index: 0, parts, ...(readFinish(body.stop_reason) ?? { finish: null, finish_raw: null }) }],
    usage: usage ? readUsage(usage, null, body.container) : UNKNOWN_USAGE,
    service_tier: typeof usage?.service_tier === 'string' ? usage.service_tier : null,
    extra,
  })
}

export function writeReply(reply: Reply): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = []
  const own = reply.dialect === 'anthropic-messages'
  const { usage: usage_extra, ...extra } = own ? reply.extra : {}
  const [choice, ...others] = reply.choices
  const to: Writing = {
    from: reply.dialect,
    own,
    keeps: true,
    losses,
    place: (_, j) => (j === undefined ? 'choices[0]' : `choices[0].content[${j}]`),
  }
  const usage = writeUsage(reply.usage, isObject(usage_extra) ? usage_extra : undefined)
  if (reply.service_tier !== null) usage.service_tier = reply.service_tier
  const body: JsonObject = {
    id: reply.id,
    type: 'message',
    role: 'assistant',
    model: reply.model,
    content: writeContent(choice?.parts ?? [], j => to.place(0, j), to),
    stop_reason: choice ? writeFinish(choice.finish, choice.finish_raw) : null,
    stop_sequence: null,
    usage,
  }
  carryExtra(body, extra)
  for (const other of others) losses.push({ field: `choices[${other.index}]`, how: 'dropped', note: 'there is one answer here' })
  if (choice?.logprobs !== undefined) losses.push({ field: 'choices[0].logprobs', how: 'dropped' })
  if (!own) {
    loseExtra(choice?.extra, 'choices[0]', losses)
    loseExtra(reply.extra, '', losses)
    loseCounts(reply.usage, UNCOUNTED, losses)
  }
  return { body, losses }
}
