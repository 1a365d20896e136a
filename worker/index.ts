/** What the platform calls: the HTTP entry, the cron that re-arms usage objects, and the Durable Object classes. */
import { makeApp } from './app.ts'
import { depsOf } from './env.ts'
import { sweepUsage } from './store/usage-sweep.ts'

export { HealthObject } from './store/health-object.ts'
export { UsageObject } from './store/usage-object.ts'

const app = makeApp(depsOf)

export default {
  fetch: app.fetch,
  scheduled: (_event, env, ctx) => ctx.waitUntil(sweepUsage(env, Date.now())),
} satisfies ExportedHandler<Env>
