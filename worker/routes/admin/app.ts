/**
 * The admin API: its own app with its own table, made when somebody first asks for it, so that isolates which carry
 * requests start without it. Every route walks the same steps, and each step refuses by default.
 *
 *   who is asking → may they → is what they sent well-formed, with nothing unknown in it → do it → answer, never to be cached
 *
 * No CORS header is ever sent, so no other origin's page can read an answer or send a key.
 */
import { Hono } from 'hono'
import * as z from 'zod'
import type { GatewayError } from '../../core/errors.ts'
import { parseJsonText } from '../../core/json-text.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { openaiChat } from '../../dialects/openai-chat/dialect.ts'
import type { Context, Deps } from '../../env.ts'
import { answered, refused } from '../answer.ts'
import { readBody } from '../body.ts'
import { barred, closed, identify } from './identity.ts'
import { type Actor, type AdminWorld, type Call, type Route, Text } from './route.ts'
import { ADMIN_ROUTES } from './routes.ts'

/** A catalogue overlay with every provider known is a third of this. */
const BODY_LIMIT = { bytes: 1024 * 1024, ms: 20_000 }
const SHOWN_PATH_CHARS = 100
const ISSUES_SHOWN = 5

/** `form-action` and `frame-ancestors` are not covered by `default-src`. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
}

const NOBODY: Actor = { name: 'nobody', role: 'viewer', org: null }

export function makeAdminApp(depsOf: (env: Env) => Deps) {
  const app = new Hono<{ Bindings: Env }>()
  const worldOf = (env: Env, ctx: Context): AdminWorld => {
    const deps = depsOf(env)
    return { env, variables: env as unknown as Record<string, string | undefined>, deps, ctx, now_ms: deps.effects.nowMs() }
  }
  for (const route of ADMIN_ROUTES) {
    app.on(route.method, route.path, async c => {
      const world = worldOf(c.env, c.executionCtx)
      const query = c.req.queries()
      const answer = await serve(route, c.req.raw, c.req.param(), query, world)
      return guarded(answer.ok ? spoken(route, answer.value) : denied(answer.error, world.now_ms))
    })
  }
  for (const [path, routes] of Map.groupBy(ADMIN_ROUTES, route => route.path)) {
    const allowed = routes.map(route => route.method)
    app.all(path, c => guarded(denied({ code: 'method_not_allowed', allowed }, depsOf(c.env).effects.nowMs())))
  }
  app.notFound(c =>
    guarded(denied({ code: 'not_found', path: c.req.path.slice(0, SHOWN_PATH_CHARS), near: [] }, depsOf(c.env).effects.nowMs())),
  )
  app.onError((error, c) => {
    const deps = depsOf(c.env)
    return guarded(denied({ code: 'internal', reference: deps.mishap(error) }, deps.effects.nowMs()))
  })
  return app
}

async function serve(
  route: Route,
  request: Request,
  params: Record<string, string>,
  query: Record<string, string[]>,
  world: AdminWorld,
): Promise<Result<unknown, GatewayError>> {
  const actor = await admitted(route, request, world)
  if (!actor.ok) return actor
  const named = (route.params?.() ?? NOTHING).safeParse(params)
  if (!named.success) return err({ code: 'resource_not_found', kind: 'such thing', id: Object.values(params).join('/') })
  const asked = checked(route.query?.() ?? NOTHING, single(query))
  if (!asked.ok) return asked
  const body = route.body ? await bodyOf(route.body(), request, world) : ok(undefined)
  if (!body.ok) return body
  const call: Call = { id: route.id, actor: actor.value, params: named.data, query: asked.value, body: body.value, world }
  return route.handle(call)
}

async function admitted(route: Route, request: Request, world: AdminWorld): Promise<Result<Actor, GatewayError>> {
  if (route.role === 'open') {
    const shut = await closed(world)
    return shut ? err(shut) : ok(NOBODY)
  }
  const actor = await identify(request, world)
  if (!actor.ok) return actor
  const bar = barred(actor.value, route)
  return bar ? err(bar) : actor
}

const NOTHING = z.strictObject({})

/** A parameter that is given twice has two readings; it becomes a list, which no schema here takes. */
function single(query: Record<string, string[]>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0] : values]))
}

async function bodyOf(schema: z.ZodType, request: Request, { deps }: AdminWorld): Promise<Result<unknown, GatewayError>> {
  const bytes = await readBody(request, BODY_LIMIT, deps.effects)
  if (!bytes.ok) return bytes
  const json = parseJsonText(bytes.value)
  return json.ok ? checked(schema, json.value.value) : json
}

/** Unknown members are refused by name: a misspelt `buget` must not be a key without one. */
function checked<T>(schema: z.ZodType<T>, value: unknown): Result<T, GatewayError> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return ok(parsed.data)
  const said = parsed.error.issues.slice(0, ISSUES_SHOWN).map(issue => {
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    return { at: [...issue.path, ...(unknown === undefined ? [] : [unknown])].join('.'), message: issue.message }
  })
  return err({
    code: 'invalid_request',
    param: said[0]?.at ?? '',
    message: said.map(({ at, message }) => (at ? `${at}: ${message}` : message)).join('; '),
  })
}

function spoken(route: Route, value: unknown): Response {
  if (value instanceof Text) return new Response(value.text, { headers: value.headers })
  return answered(value, route.status ?? 200)
}

/** What is wrong with a policy is a list, and does not fit into a sentence. */
function denied(error: GatewayError, now_ms: number): Response {
  if (error.code !== 'policy_not_accepted') return refused(openaiChat, error, now_ms)
  return answered({ ...openaiChat.error.write(error), findings: error.findings }, 422, { 'x-signalbox-error': error.code })
}

function guarded(response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
  return response
}
