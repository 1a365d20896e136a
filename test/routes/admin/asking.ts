/** Asking the admin API as somebody, in workerd, through the Worker's own door. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { depsOf } from '../../../worker/env.ts'
import worker from '../../../worker/index.ts'
import { ADMIN_ROUTES } from '../../../worker/routes/admin/routes.ts'
import type { AdminRecord, Role } from '../../../worker/schema/admin.ts'
import { forgetAdmins } from '../../../worker/store/admins.ts'
import { adminKey, callerKey, type KeyFields, makeAdminKey, makeKey } from '../../../worker/store/keys.ts'
import { emptyStorage } from '../../store/fixture.ts'
import { promptReports } from '../prompt-reports.ts'

promptReports(depsOf(env))

export async function emptyRouter(): Promise<void> {
  await emptyStorage()
  forgetAdmins()
}

export async function adminOf(role: Role, change: Partial<AdminRecord> = {}): Promise<string> {
  const { key, admin } = await makeAdminKey(env.KEY_PEPPER, { label: `a test's ${role}`, role })
  await env.KV.put(adminKey(admin.key_id), JSON.stringify({ ...admin, ...change }))
  return key
}

export async function callerOf(fields: Partial<KeyFields> = {}): Promise<{ key: string; key_id: string }> {
  const { key, caller } = await makeKey(env.KEY_PEPPER, { org: 'acme', label: 'test', ...fields })
  await env.KV.put(callerKey(caller.key_id), JSON.stringify(caller))
  return { key, key_id: caller.key_id }
}

export type Asked = { key?: string; headers?: Record<string, string>; body?: unknown }

export async function ask(method: string, path: string, { key, headers, body }: Asked = {}): Promise<Response> {
  const ctx = createExecutionContext()
  const init = {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
  const request = new Request(`https://signalbox.test${path}`, init) as Parameters<typeof worker.fetch>[0]
  const response = await worker.fetch(request, env, ctx)
  const answer = new Response(await response.arrayBuffer(), response)
  await waitOnExecutionContext(ctx)
  return answer
}

/** A good answer, held to the schema that the document promises. */
export async function told<T = Record<string, unknown>>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const response = await ask(method, path, asked)
  const json = await response.json()
  if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(json)}`)
  const plain = path.split('?')[0] ?? ''
  const route = ADMIN_ROUTES.find(each => each.method === method && matches(each.path, plain))
  return (route?.answer ? route.answer().parse(json) : json) as T
}

/** As the router has it: a literal path before one with parameters is left to the order of the table. */
function matches(pattern: string, path: string): boolean {
  const [want, have] = [pattern.split('/'), path.split('/')]
  return want.length === have.length && want.every((part, i) => part.startsWith(':') || part === have[i])
}

export async function errorOf(response: Response): Promise<{ code: string; param: string | null; message: string }> {
  return ((await response.json()) as { error: { code: string; param: string | null; message: string } }).error
}
