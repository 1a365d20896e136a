/**
 * `GET /v1/models`: every name this caller may write in `model`: `auto`, policies, groups of the caller's policy, and targets
 * that are switched on and in the key's scope. In the shape that OpenAI's clients list, or Anthropic's where the request
 * carries the header by which its clients are known.
 */
import { everyTarget } from '../core/decide/catalogue.ts'
import { mayUse, mayUsePolicy } from '../core/decide/names.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Context, Deps } from '../env.ts'
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
  return answered(request.headers.has('anthropic-version') ? messagesList(data) : { object: 'list', data })
}

/** Anthropic's page of models; all of them are on the first. */
function messagesList(models: Listed[]) {
  const talking = models.filter(({ serves }) => serves === undefined || serves.includes('chat'))
  const data = talking.map(({ id, created }) => ({
    type: 'model',
    id,
    display_name: id,
    created_at: new Date(created * 1000).toISOString(),
  }))
  return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
}
