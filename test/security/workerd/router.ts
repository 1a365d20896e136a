/**
 * A router in workerd whose providers are a stand-in: what it was sent is noted, and it answers as it is told. Everything else is real.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { makeApp } from '../../../worker/app.ts'
import { type Deps, makeDeps } from '../../../worker/env.ts'
import { promptReports } from '../../routes/prompt-reports.ts'

export type Sent = { url: URL; headers: Headers; text: string; redirect: string | undefined }
export type Router = {
  ask(method: string, path: string, asked?: Asked): Promise<Response>
  sent: Sent[]
  deps: Deps
}
export type Asked = { key?: string; headers?: Record<string, string>; body?: unknown; address?: string }

export const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
}
export const MODEL = 'openai/gpt-5-mini'
export const CHAT = { model: MODEL, messages: [{ role: 'user', content: 'What is the capital of France?' }] }

export function router(
  options: {
    variables?: Record<string, unknown>
    answer?: (sent: Sent) => Response | Promise<Response>
    change?: (deps: Deps) => Deps
  } = {},
): Router {
  const variables = { ...env, OPENAI_API_KEY: 'sk-the-routers-own-key', ...options.variables } as Env
  const sent: Sent[] = []
  const made = promptReports(makeDeps(variables))
  const fetch = async (_: string, url: string, init: RequestInit) => {
    const one = { url: new URL(url), headers: new Headers(init.headers), text: String(init.body), redirect: init.redirect }
    sent.push(one)
    return options.answer?.(one) ?? Response.json(ANSWER)
  }
  const stubbed = { ...made, effects: { ...made.effects, fetch } }
  const deps = options.change?.(stubbed) ?? stubbed
  const app = makeApp(() => deps)
  return {
    sent,
    deps,
    async ask(method, path, { key, headers = {}, body, address } = {}) {
      const ctx = createExecutionContext()
      const all = {
        'content-type': 'application/json',
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(address ? { 'cf-connecting-ip': address } : {}),
        ...headers,
      }
      const text = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
      const response = await app.fetch(new Request(`https://signalbox.test${path}`, { method, headers: all, ...text }), variables, ctx)
      const answer = new Response(response.body === null ? null : await response.arrayBuffer(), response)
      await waitOnExecutionContext(ctx)
      return answer
    },
  }
}

export const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { error: { code: string } }).error.code
