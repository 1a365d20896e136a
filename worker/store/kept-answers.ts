/**
 * Who keeps an answer. A caller of Responses may ask its target to keep what was said (`store: true`) and go on from it by its id
 * (`previous_response_id`). The answer's bytes are the target's own, and so is its id, which says nothing of whose it is; so for those
 * who asked, and for nobody else, the router remembers which target made it, by organisation: an id is worth something only to the
 * organisation that was given it, though at the provider all of them share one account.
 *
 * In KV, written once per id and read only by requests that name one: a caller that goes on at once finds it where it was written.
 */
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Json } from '../schema/chat.ts'
import type { OrgId, TargetId } from '../schema/ids.ts'

/** OpenAI keeps responses for 30 days (platform.openai.com/docs/guides/your-data, read 2026-11). */
const KEPT_S = 30 * 86_400
const ID = /^[A-Za-z0-9_-]{1,200}$/
const key = (org: OrgId, answer_id: string) => `answer/${org}/${answer_id}`

export async function keepAnswer(kv: Pick<KVNamespace, 'put'>, org: OrgId, answer_id: string, target: TargetId): Promise<void> {
  if (ID.test(answer_id)) await kv.put(key(org, answer_id), target, { expirationTtl: KEPT_S })
}

const INSTEAD = 'Send the conversation so far in "input" instead.'

/** The target that keeps the answer of this id, or why the caller cannot go on from it and what to do. `isOurs`: translation made the id. */
export async function keeperOf(
  kv: Pick<KVNamespace, 'get'>,
  org: OrgId,
  answer_id: Json | undefined,
  isOurs: (answer_id: string) => boolean,
): Promise<Result<TargetId, GatewayError>> {
  const refuse = (message: string) => err<GatewayError>({ code: 'invalid_request', param: 'previous_response_id', message })
  if (typeof answer_id !== 'string' || !ID.test(answer_id))
    return refuse('previous_response_id: must be the id of an answer, such as "resp_..."')
  if (isOurs(answer_id))
    return refuse(
      `previous_response_id: this answer was translated by the router from another format than Responses, so no provider keeps it under that id. ${INSTEAD}`,
    )
  const target = await kv.get(key(org, answer_id))
  if (target !== null) return ok(target)
  return refuse(
    `previous_response_id: nobody is known to keep this answer. The router knows who does where it was asked for through it, with "store": true, by this organisation and within 30 days, and came from a target that speaks Responses. ${INSTEAD}`,
  )
}
