/** What the platform calls: the HTTP entry, the cron that re-arms usage objects, keeps targets warm and removes what is old, and the Durable Object classes. */
import { makeApp } from './app.ts'
import { depsOf } from './env.ts'
import { keepWarm } from './routes/warm.ts'
import { removeOld } from './store/retention.ts'
import { sweepUsage } from './store/usage-sweep.ts'

export { HealthObject } from './store/health-object.ts'
export { UsageObject } from './store/usage-object.ts'

const app = makeApp(depsOf)

export default {
  fetch: app.fetch,
  scheduled: (_event, env, ctx) => {
    ctx.waitUntil(sweepUsage(env, Date.now()))
    const deps = depsOf(env)
    ctx.waitUntil(keepWarm(env, deps, ctx).catch(deps.mishap))
    ctx.waitUntil(removeOld(env, Date.now()))
  },
} satisfies ExportedHandler<Env>
