/**
 * A router's reports of health wait a second or two for company, and a test that waits for all that a request leaves behind it would wait
 * as long for every request. Here the waits of reports, and no others, are over at once; what is reported, and when its turn is, stay as
 * they are. How long reports wait is told in `test/store/health.test.ts`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Deps } from '../../worker/env.ts'

const reporting = new AsyncLocalStorage<true>()
const wait = scheduler.wait.bind(scheduler)
scheduler.wait = (wait_ms, options) => (reporting.getStore() ? wait(0) : wait(wait_ms, options))

export function promptReports(deps: Deps): Deps {
  const { report } = deps
  deps.report = (outcome, ctx) => reporting.run(true, () => report(outcome, ctx))
  return deps
}
