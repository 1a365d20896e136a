/**
 * The route table, on one screen. Paths match exactly: no trailing slash, no other case, no encoded detours. A route says
 * which methods it answers; every other method gets 405 with that list, and every other path 404, both as JSON.
 */
import { Hono } from 'hono'
import { openaiChat } from './dialects/openai-chat/dialect.ts'
import type { Context, Deps } from './env.ts'
import { refused } from './routes/answer.ts'
import { chat } from './routes/chat.ts'
import { decision } from './routes/decisions.ts'
import { dryRun } from './routes/dry-run.ts'
import { health } from './routes/health.ts'
import { models } from './routes/models.ts'

type Handler = (request: Request, deps: Deps, ctx: Context, params: Record<string, string>) => Promise<Response>

/** method, path, who may call it, handler. `key`: a caller's key is required; `open`: anyone. */
export const ROUTES: [method: 'GET' | 'POST', path: string, access: 'key' | 'open', handler: Handler][] = [
  ['POST', '/v1/chat/completions', 'key', (request, deps, ctx) => chat(request, openaiChat, '/v1/chat/completions', deps, ctx)],
  ['POST', '/v1/route', 'key', (request, deps, ctx) => dryRun(request, openaiChat, deps, ctx)],
  ['GET', '/v1/models', 'key', (request, deps, ctx) => models(request, openaiChat, deps, ctx)],
  ['GET', '/v1/decisions/:id', 'key', (request, deps, ctx, { id = '' }) => decision(request, id, openaiChat, deps, ctx)],
  ['GET', '/health', 'open', (request, deps, ctx) => health(request, openaiChat, deps, ctx)],
]

/** A path in an error message is shown up to here. */
const SHOWN_PATH_CHARS = 100

export function makeApp(depsOf: (env: Env) => Deps) {
  const app = new Hono<{ Bindings: Env }>()
  for (const [method, path, , handler] of ROUTES) {
    app.on(method, path, c => handler(c.req.raw, depsOf(c.env), c.executionCtx, c.req.param()))
    app.all(path, c => refused(openaiChat, { code: 'method_not_allowed', allowed: [method] }, depsOf(c.env).effects.nowMs()))
  }
  app.notFound(c => refused(openaiChat, { code: 'not_found', path: c.req.path.slice(0, SHOWN_PATH_CHARS) }, depsOf(c.env).effects.nowMs()))
  app.onError((error, c) => {
    const deps = depsOf(c.env)
    return refused(openaiChat, { code: 'internal', reference: deps.mishap(error) }, deps.effects.nowMs())
  })
  return app
}
