/**
 * The router with its accounting counted: calls of usage objects and what they carry, statements and commits of their journals,
 * batches to D1, and the waits and `waitUntil`s of requests. `GET /counts` gives what was counted since it was last asked. An
 * isolate shares its memory with its objects under plain workerd, so one set of counters sees both sides.
 *
 * Nothing else differs from what is deployed, but counting takes time: this is for counts, and not for microseconds.
 */
import { makeApp } from '../../../worker/app.ts'
import { type Deps, makeDeps } from '../../../worker/env.ts'
import { UsageObject as Deployed } from '../../../worker/store/usage-object.ts'

export { HealthObject } from '../../../worker/store/health-object.ts'

const counts: Record<string, number> = {}
function count(what: string, by = 1) {
  counts[what] = (counts[what] ?? 0) + by
}

type Method = (this: unknown, ...args: never[]) => unknown
/** Looks on while a method of a platform class is called; `name` may be a method of all its objects. */
function watch(holder: object, name: string, look: (...args: never[]) => void) {
  const methods = holder as Record<string, Method>
  const method = methods[name] as Method
  methods[name] = function (...args) {
    look(...args)
    return method.apply(this, args)
  }
}
const classOf = (value: object) => Object.getPrototypeOf(value) as object

/** Characters that a message makes the platform copy; an object that stands in it twice is copied once. */
function chars(value: unknown, seen = new Set<unknown>()): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  if (seen.has(value)) return 0
  seen.add(value)
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength
  return Object.entries(value).reduce((sum, [key, each]) => sum + (Array.isArray(value) ? 0 : key.length) + chars(each, seen), 0)
}

let watched = false

export class UsageObject extends Deployed {
  constructor(ctx: DurableObjectState, env: Env) {
    if (!watched) {
      watched = true
      watch(classOf(ctx.storage.sql), 'exec', (statement: string, ...values: unknown[]) => {
        count(/^\s*(INSERT|UPDATE|DELETE)/i.test(statement) ? 'object statements that write' : 'object statements that read')
        count('chars bound in the object', chars(values))
      })
      watch(classOf(ctx.storage), 'transactionSync', () => count('object transactions'))
      watch(classOf(ctx.storage), 'setAlarm', () => count('alarms set'))
      watch(classOf(env.DB), 'batch', (statements: unknown[]) => {
        count('D1 batches')
        count('D1 statements', statements.length)
        count('chars to D1', chars(statements))
      })
    }
    super(ctx, env)
  }

  override commit(batch: Parameters<Deployed['commit']>[0]) {
    count('calls of the object')
    count('intents', batch.intents.length)
    count('settlements', batch.settlements.length)
    if (batch.intents.length === 0) count('calls with settlements only')
    count('chars to the object', chars(batch))
    return super.commit(batch)
  }

  override alarm() {
    count('alarms')
    return super.alarm()
  }
}

let isolate: Deps | undefined

function depsOf(env: Env): Deps {
  if (isolate === undefined) {
    isolate = makeDeps(env)
    watch(scheduler, 'wait', (wait_ms: number) => count(wait_ms > 100 ? 'deadlines' : 'waits'))
  }
  return isolate
}

const app = makeApp(depsOf)

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    if (new URL(request.url).pathname !== '/counts') {
      count('requests')
      watch(ctx, 'waitUntil', () => count('waitUntil'))
      return app.fetch(request, env, ctx)
    }
    const counted = { ...counts }
    for (const what of Object.keys(counts)) delete counts[what]
    return Response.json(counted)
  },
}
