/**
 * What a route of the admin API is: one value that says who may call it, what it takes and what it gives. The router, the
 * checks before a handler and the OpenAPI document are all made from it, so that none can say something else.
 */
import type * as z from 'zod'
import type { GatewayError } from '../../core/errors.ts'
import type { Result } from '../../core/result.ts'
import type { Context, Deps } from '../../env.ts'
import type { Role } from '../../schema/admin.ts'
import type { OrgId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'

export type Actor = {
  /** `key:<admin key id>` or `access:<who>`, as the audit log has it. */
  name: string
  role: Role
  /** Null: the whole router. */
  org: OrgId | null
}

export type AdminEnv = Pick<Env, 'KV' | 'DB' | 'HEALTH' | 'USAGE'> & Partial<Pick<Env, 'FAILED_KEYS' | 'ADMIN_CALLS'>>

/** What handlers work with. */
export type AdminWorld = {
  env: AdminEnv
  /** The Worker's plain-text variables and secrets. */
  variables: Record<string, string | undefined>
  deps: Deps
  ctx: Context
  now_ms: Ms
}

export type Call<Params = unknown, Query = unknown, Body = unknown> = {
  id: string
  actor: Actor
  params: Params
  query: Query
  body: Body
  world: AdminWorld
}

/** An answer that is no JSON: a page, a table for a spreadsheet. */
export class Text {
  readonly text: string
  readonly headers: Record<string, string>
  constructor(text: string, headers: Record<string, string>) {
    this.text = text
    this.headers = headers
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

type Spec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType> = {
  /** The operation's name: `operationId` in the document, `action` in the audit log. */
  id: string
  method: Method
  path: `/admin/v1${string}`
  /** `open`: anyone, once the admin API is set up; for what shows nothing of this router. */
  role: Role | 'open'
  /** `org`: also admins of one organisation, for what is theirs. `router`: only admins of the whole router. */
  reach: 'org' | 'router'
  summary: string
  params?: () => P
  query?: () => Q
  body?: () => B
  /** What a good answer is, as JSON; absent where it is a text. */
  answer?: () => A
  status?: 200 | 201
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<Result<z.input<A> | Text, GatewayError>>
}

export type Route = Omit<Spec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>, 'handle'> & {
  handle(call: Call): Promise<Result<unknown, GatewayError>>
}

/**
 * Checks a handler against its schemas, and forgets their types: a table holds routes of all kinds. Schemas are given as
 * functions, and are made when the route is first asked for: no isolate that carries requests pays for them when it starts.
 */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(spec: Spec<P, Q, B, A>): Route {
  const { params, query, body, answer } = spec
  return {
    ...spec,
    ...(params && { params: once(params) }),
    ...(query && { query: once(query) }),
    ...(body && { body: once(body) }),
    ...(answer && { answer: once(answer) }),
    handle: call => spec.handle(call as Call<z.output<P>, z.output<Q>, z.output<B>>),
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
