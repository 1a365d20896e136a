/**
 * The router with one of its parts left out, so that a regression names its part. `PART_OFF` says which: the part's member of
 * `Deps` is replaced by one that does nothing. Nothing else differs from what is deployed.
 */
import { makeApp } from '../../../worker/app.ts'
import { type Deps, makeDeps } from '../../../worker/env.ts'

export { HealthObject } from '../../../worker/store/health-object.ts'
export { UsageObject } from '../../../worker/store/usage-object.ts'

/** Asked until it knew a caller once; from then on everyone is that one. */
function withoutAuthentication({ authenticate }: Deps): Partial<Deps> {
  type Answer = Awaited<ReturnType<Deps['authenticate']>>
  let known: Answer | undefined
  const keep = (answer: Answer) => {
    if (answer.ok) known = answer
    return answer
  }
  return {
    authenticate(headers, ctx) {
      if (known !== undefined) return known
      const answer = authenticate(headers, ctx)
      return answer instanceof Promise ? answer.then(keep) : keep(answer)
    },
  }
}

const WITHOUT: Record<string, (deps: Deps) => Partial<Deps>> = {
  none: () => ({}),
  authentication: withoutAuthentication,
  usage: () => ({ intend: () => () => Promise.resolve({ ok: true as const }), settle: () => {} }),
  health: () => ({ report: () => {}, decided: () => {} }),
}
WITHOUT.all = deps => ({ ...WITHOUT.authentication?.(deps), ...WITHOUT.usage?.(deps), ...WITHOUT.health?.(deps) })

let isolate: Deps | undefined

function depsOf(env: Env): Deps {
  if (isolate === undefined) {
    const part = (env as unknown as { PART_OFF: string }).PART_OFF
    const without = WITHOUT[part]
    if (without === undefined) throw new Error(`there is no part named ${part}`)
    const deps = makeDeps(env)
    isolate = { ...deps, ...without(deps) }
  }
  return isolate
}

export default makeApp(depsOf)
