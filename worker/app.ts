/**
 * The route table, on one screen. Paths match exactly: no trailing slash, no other case, no encoded detours. A route says
 * which methods it answers; every other method gets 405 with that list, and every other path 404, both as JSON.
 */
import { Hono } from 'hono'
import { nearest } from './core/decide/near.ts'
import { anthropicMessages } from './dialects/anthropic-messages/dialect.ts'
import type { Dialect } from './dialects/dialect.ts'
import { openaiChat } from './dialects/openai-chat/dialect.ts'
import { openaiResponses } from './dialects/openai-responses/dialect.ts'
import type { Context, Deps } from './env.ts'
import { makeAdminApp } from './routes/admin/app.ts'
import { refused } from './routes/answer.ts'
import { chat } from './routes/chat.ts'
import { countTokens } from './routes/count-tokens.ts'
import { decision } from './routes/decisions.ts'
import { chatDoor, passedDoor } from './routes/door.ts'
import { dryRun } from './routes/dry-run.ts'
import { health } from './routes/health.ts'
import { models } from './routes/models.ts'
import { PASSED_ENDPOINTS, type PassedEndpoint } from './schema/endpoint.ts'

type Handler = (request: Request, dialect: Dialect, deps: Deps, ctx: Context, params: Record<string, string>) => Promise<Response>

const chatAt =
  (endpoint: string): Handler =>
  (request, dialect, deps, ctx) =>
    chat(request, dialect, chatDoor(endpoint, dialect), deps, ctx)

const passedAt = (endpoint: PassedEndpoint): [method: 'POST', path: string, access: 'key', dialect: Dialect, handler: Handler] => {
  const door = passedDoor(endpoint)
  return ['POST', door.path, 'key', openaiChat, (request, dialect, deps, ctx) => chat(request, dialect, door, deps, ctx)]
}

/** method, path, who may call it, whose errors its callers read, handler. `key`: a caller's key is required; `open`: anyone. */
export const ROUTES: [method: 'GET' | 'POST', path: string, access: 'key' | 'open', dialect: Dialect, handler: Handler][] = [
  ['POST', '/v1/chat/completions', 'key', openaiChat, chatAt('/v1/chat/completions')],
  ['POST', '/v1/responses', 'key', openaiResponses, chatAt('/v1/responses')],
  ['POST', '/v1/messages', 'key', anthropicMessages, chatAt('/v1/messages')],
  ['POST', '/v1/messages/count_tokens', 'key', anthropicMessages, countTokens],
  ...PASSED_ENDPOINTS.map(passedAt),
  ['POST', '/v1/route', 'key', openaiChat, dryRun],
  ['GET', '/v1/models', 'key', openaiChat, models],
  ['GET', '/v1/decisions/:id', 'key', openaiChat, (request, dialect, deps, ctx, { id = '' }) => decision(request, id, dialect, deps, ctx)],
  ['GET', '/health', 'open', openaiChat, health],
]

/** A path in an error message is shown up to here. */
const SHOWN_PATH_CHARS = 100
const NEAR_PATHS = 3

/**
 * The paths that carry traffic, by path: what is posted to one of these needs no router in front. Everything else, and whatever is not
 * spelled exactly so, goes the long way to the same handlers.
 */
const POSTED = new Map(ROUTES.flatMap(([method, path, , dialect, handler]) => (method === 'POST' ? [[path, { dialect, handler }]] : [])))
const NO_PARAMS = {}

export function makeApp(depsOf: (env: Env) => Deps) {
  const routed = makeRoutes(depsOf)
  return {
    fetch: async (request: Request, env: Env, ctx: ExecutionContext): Promise<Response> => {
      const route = request.method === 'POST' ? POSTED.get(pathOf(request.url)) : undefined
      if (route === undefined) return routed.fetch(request, env, ctx)
      try {
        return await route.handler(request, route.dialect, depsOf(env), ctx, NO_PARAMS)
      } catch (error) {
        return mishap(error, depsOf(env))
      }
    },
  }
}

/** What stands between the host and the query. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end < 0 ? url.slice(start) : url.slice(start, end)
}

const mishap = (error: unknown, deps: Deps) =>
  refused(openaiChat, { code: 'internal', reference: deps.mishap(error) }, deps.effects.nowMs())

function makeRoutes(depsOf: (env: Env) => Deps) {
  const app = new Hono<{ Bindings: Env }>()
  for (const [method, path, , dialect, handler] of ROUTES) {
    app.on(method, path, c => {
      const deps = depsOf(c.env)
      deps.locate(c.req.raw)
      return handler(c.req.raw, dialect, deps, c.executionCtx, c.req.param())
    })
    app.all(path, c => refused(dialect, { code: 'method_not_allowed', allowed: [method] }, depsOf(c.env).effects.nowMs()))
  }
  // Made when somebody asks for it: isolates that carry requests start without the admin API.
  let admin: ReturnType<typeof makeAdminApp> | undefined
  app.all('/admin/v1/*', async c => {
    admin ??= makeAdminApp(depsOf)
    return admin.fetch(c.req.raw, c.env, c.executionCtx)
  })
  app.notFound(c => {
    const path = c.req.path.slice(0, SHOWN_PATH_CHARS)
    const open = ROUTES.map(([, there]) => there)
    return refused(openaiChat, { code: 'not_found', path, near: nearest(path, open, NEAR_PATHS) }, depsOf(c.env).effects.nowMs())
  })
  app.onError((error, c) => mishap(error, depsOf(c.env)))
  return app
}
