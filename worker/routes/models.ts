/**
 * `GET /v1/models`: every name this caller may write in `model`: `auto`, policies, groups of the caller's policy, and targets
 * that are switched on and in the key's scope. In the shape that OpenAI's clients list, or Anthropic's where the request
 * carries the header by which its clients are known.
 */
import { everyTarget } from '../core/decide/catalogue.ts'
import { mayUse, mayUsePolicy } from '../core/decide/names.ts'
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import { anthropicMessages } from '../dialects/anthropic-messages/dialect.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Context, Deps } from '../env.ts'
import type { JsonObject } from '../schema/chat.ts'
import type { EndpointName } from '../schema/endpoint.ts'
import { answered, refused } from './answer.ts'

type Listed = {
  id: string
  object: 'model'
  created: number
  owned_by: string
  kind: 'router' | 'policy' | 'group' | 'target'
  /** What a target answers: `chat`, `embeddings`, `images` and so on; absent for names that stand for a choice. */
  serves?: EndpointName[]
  /** Length of its vectors, where it makes any. */
  dimensions?: number | null
  description?: string
}

export async function models(request: Request, dialect: Dialect, deps: Deps, ctx: Context): Promise<Response> {
  const caller = await deps.authenticateNow(request.headers, ctx)
  if (!caller.ok) return refused(dialect, caller.error, deps.effects.nowMs())
  const { scopes, policy } = caller.value
  const now_ms = deps.effects.nowMs()
  const own = (id: string, kind: Listed['kind'], description?: string): Listed => ({
    id,
    object: 'model',
    created: 0,
    owned_by: 'signalbox',
    kind,
    ...(description ? { description } : {}),
  })

  const data: Listed[] = [own('auto', 'router', `Decided for each request by the policy "${policy}".`)]
  for (const name of await deps.policies.allNames(now_ms)) {
    if (mayUsePolicy(name, caller.value)) data.push(own(`policy/${name}`, 'policy'))
  }
  if (scopes.may_pin) {
    const groups = (await deps.policies.policyFor(policy, ctx, now_ms))?.policy.groups ?? {}
    for (const group of Object.keys(groups)) data.push(own(group, 'group'))
    for (const live of everyTarget(await deps.catalogue(ctx))) {
      if (!mayUse(caller.value, live)) continue
      const created = live.target.released === null ? 0 : Date.parse(live.target.released) / 1000
      const { serves = live.provider.serves ?? ['chat'], embedding } = live.target
      data.push({
        id: live.id,
        object: 'model',
        created,
        owned_by: live.provider.id,
        kind: 'target',
        serves,
        ...(embedding && { dimensions: embedding.dimensions }),
      })
    }
  }
  if (!request.headers.has('anthropic-version')) return answered({ object: 'list', data })
  const page = messagesPage(data, new URL(request.url).searchParams)
  return page.ok ? answered(page.value) : refused(anthropicMessages, page.error, now_ms)
}

/** As many as Anthropic puts on a page, where nothing is asked for, and at most (docs.anthropic.com/en/api/models-list, read 2026-11). */
const PAGE = { usual: 20, most: 1_000 }

/** Anthropic's page of models, `limit` of them behind `after_id` or before `before_id`; its clients turn the pages by `last_id`. */
function messagesPage(models: Listed[], asked: URLSearchParams): Result<JsonObject, GatewayError> {
  const wrong = (param: string, what: string): Result<never, GatewayError> =>
    err({ code: 'invalid_request', param, message: `${param}: ${what}` })
  const talking = models.filter(({ serves }) => serves === undefined || serves.includes('chat'))
  const limit = Number(asked.get('limit') ?? PAGE.usual)
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE.most) return wrong('limit', `must be a whole number from 1 to ${PAGE.most}.`)
  const after = asked.get('after_id')
  const before = asked.get('before_id')
  if (after !== null && before !== null) return wrong('before_id', 'goes without after_id.')
  const at = talking.findIndex(({ id }) => id === (after ?? before))
  if ((after ?? before) !== null && at < 0) return wrong(after === null ? 'before_id' : 'after_id', 'there is no such model in this list.')
  const from = before === null ? at + 1 : Math.max(0, at - limit)
  const to = before === null ? from + limit : at
  const data = talking.slice(from, to).map(({ id, created }) => ({
    type: 'model',
    id,
    display_name: id,
    created_at: new Date(created * 1000).toISOString(),
  }))
  const has_more = before === null ? to < talking.length : from > 0
  return ok({ data, has_more, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null })
}
