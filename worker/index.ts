/** What the platform calls: the HTTP entry, the cron that re-arms usage objects, keeps targets warm, removes what is old and compares the books, and the Durable Object classes. */
import { makeApp } from './app.ts'
import { depsOf } from './env.ts'
import { keepWarm } from './routes/warm.ts'
import { checkBooks } from './store/books-check.ts'
import { removeOld } from './store/retention.ts'
import { sweepUsage } from './store/usage-sweep.ts'

export { HealthObject } from './store/health-object.ts'
export { UsageObject } from './store/usage-object.ts'

const app = makeApp(depsOf)

export default {
  fetch: app.fetch,
  scheduled: (_event, env, ctx) => {
    const deps = depsOf(env)
    ctx.waitUntil(
      sweepUsage(env, Date.now()).then(objects => {
        for (const { org, given_up } of objects) if (given_up) deps.mishap(new Error(`D1 refuses ${given_up} rows of ${org}`))
      }, deps.mishap),
    )
    ctx.waitUntil(keepWarm(env, deps, ctx).catch(deps.mishap))
    ctx.waitUntil(removeOld(env, Date.now()).catch(deps.mishap))
    ctx.waitUntil(
      checkBooks(env, Date.now()).then(differing => {
        for (const books of differing) deps.mishap(new Error(`the two books of ${books.org} differ: ${JSON.stringify(books.days)}`))
      }, deps.mishap),
    )
  },
} satisfies ExportedHandler<Env>
