/**
 * Bindings in, `Deps` out: the world is built here once per isolate and passed on. Everything that is not pure enters
 * through this file: the clock, chance, waiting, the network, and the bindings behind `store/`.
 */
import { textOf, type Variables } from './core/decide/address.ts'
import { conversationKey, isUnderWay } from './core/decide/conversation.ts'
import { asksHiding, hidesOf } from './core/decide/hiding.ts'
import { policyNamed } from './core/decide/names.ts'
import { readServiceAccount } from './core/decide/service-account.ts'
import type { LiveCatalogue, World } from './core/decide/world.ts'
import type { GatewayError } from './core/errors.ts'
import { err, ok, type Result } from './core/result.ts'
import { withNames } from './core/understand/name-features.ts'
import { decisionOf } from './dialects/answer-id.ts'
import type { Dialect } from './dialects/dialect.ts'
import { DIALECTS_WRITTEN, dialectNamed } from './dialects/dialects.ts'
import { type AiBinding, aiFetch } from './dispatch/ai-binding.ts'
import { type Allowance, hedgeAllowance, retryAllowance } from './dispatch/allowance.ts'
import type { Credential } from './dispatch/call.ts'
import type { Effects } from './dispatch/effects.ts'
import type { SigningKey } from './dispatch/sigv4.ts'
import { DEMO_DOWN_KEY, demoFetch } from './routes/demo.ts'
import type { Asked, Door } from './routes/door.ts'
import type { Provider } from './schema/catalogue.ts'
import type { DialectName } from './schema/chat.ts'
import type { DecisionRecord } from './schema/decision.ts'
import type { Features } from './schema/features.ts'
import type { HealthSnapshot, Outcome } from './schema/health.ts'
import type { DecisionId, OrgId, PolicyName, TargetId } from './schema/ids.ts'
import type { Ms } from './schema/units.ts'
import type { Intent, Settlement } from './schema/usage.ts'
import type { Alarm } from './store/alarm.ts'
import { authenticate, forgetRevoked, stillGood } from './store/callers.ts'
import { catalogueStore } from './store/catalogue.ts'
import { conversations } from './store/conversations.ts'
import { newDecisionId } from './store/decision-id.ts'
import { type FoundDecision, findDecision } from './store/decisions.ts'
import { barOf, learnBar } from './store/expensive-bar.ts'
import { healthView } from './store/health.ts'
import { keepAnswer, keeperOf } from './store/kept-answers.ts'
import { nearbyCache } from './store/nearby.ts'
import type { LimitedCaller } from './store/org-limits.ts'
import { type OwnKeys, ownKeyStore } from './store/own-keys.ts'
import { policyStore } from './store/policies.ts'
import { type Claim, type KeptAnswer, keepForRepeats, keptForRepeats } from './store/repeats.ts'
import { understanding } from './store/understanding.ts'
import { type Durable, intend, settle } from './store/usage.ts'

/** What a request lends to those who work for it: work that outlives the response is handed to `waitUntil`. */
export type Context = { waitUntil(promise: Promise<unknown>): void }

type Authenticated = Result<LimitedCaller, GatewayError>

/**
 * The world of a decision, and what its caller brings to carry it out: null where that is nothing. `features`: the request's, with names
 * where the policy refers to them.
 */
export type CallersWorld = World & { own: OwnKeys | null; features: Features }

export type Deps = {
  effects: Effects
  authenticate(headers: Headers, ctx: Context): Authenticated | Promise<Authenticated>
  /** The same for what spends nothing, which no usage object judges: it is asked whether the key was revoked. */
  authenticateNow(headers: Headers, ctx: Context): Promise<Authenticated>
  /** Everything a decision looks at, taken at one moment. Fails where the caller names a policy that is not there. */
  world(
    caller: LimitedCaller,
    asked: Asked,
    door: Pick<Door, 'path' | 'endpoint'>,
    ctx: Context,
  ): Promise<Result<CallersWorld, GatewayError>>
  /** Tells that a target has begun to answer, so that the conversation may stay with it. */
  answered(asked: Asked, record: DecisionRecord, target: TargetId): void
  catalogue(ctx: Context): LiveCatalogue | Promise<LiveCatalogue>
  dialect(name: DialectName): Dialect | undefined
  /**
   * What a call to a provider carries to say who calls; null where it wants nothing, or where its secret is not set. `own_secret`: the
   * caller's own, in place of the router's.
   */
  credential(provider: Provider, own_secret?: string): Credential | null
  /** Sets the intent on its way. The answer is asked for when it is needed, and not before: until then it may wait for company. */
  intend(intent: Intent, ctx: Context): Durable
  settle(settlement: Settlement, ctx: Context): void
  /** Answers that are kept for requests sent again. */
  repeats: {
    keep(claim: Claim, decision_id: DecisionId, answer: KeptAnswer): Promise<boolean>
    kept(claim: Claim, decision_id: DecisionId): Promise<KeptAnswer | null>
  }
  /** Any request of this isolate says where it is; only the first is looked at. */
  locate(request: { cf?: unknown; url?: string }): void
  health(now_ms: Ms, ctx: Context): HealthSnapshot
  report(outcome: Outcome, ctx: Context): void
  retries: Allowance
  hedges: Allowance
  /** Tells that this isolate is about to walk the record's plan, with the probe leases it uses up. */
  decided(record: DecisionRecord, own: OwnKeys | null): void
  /** Remembers who keeps an answer that its caller asked to be kept. */
  keepAnswer(org: OrgId, answer_id: string, target: TargetId, ctx: Context): void
  findDecision(org: OrgId, id: string): Promise<FoundDecision | null>
  policies: ReturnType<typeof policyStore>
  alarms(): Alarm[]
  /** Writes down what should not have happened, and gives the reference by which it can be found. */
  mishap(error: unknown): string
}

let isolate: Deps | undefined

/** The isolate's world. Bindings are the same for every request of an isolate, so the first request's serve all. */
export function depsOf(env: Env): Deps {
  isolate ??= makeDeps(env)
  return isolate
}

export function makeDeps(env: Env): Deps {
  // Providers' secrets and addresses have the names that the catalogue gives them, which the binding types cannot know.
  const variables = env as unknown as Record<string, string | undefined>
  const effects = makeEffects(env)
  const policies = policyStore(env.KV)
  const catalogues = catalogueStore(env.KV, variables)
  const health = healthView(env, nearbyCache())
  const spoken = conversations()
  const own_keys = ownKeyStore(env.KV, env as unknown as Record<string, unknown>, health.rules)

  return {
    effects,
    authenticate: (headers, ctx) => authenticate(headers, env, ctx, effects.nowMs()),
    async authenticateNow(headers, ctx) {
      const caller = await authenticate(headers, env, ctx, effects.nowMs())
      return caller.ok ? stillGood(caller.value, env, effects.nowMs()) : caller
    },

    async world(caller, { request, features: nameless, losses, asks: asked, conversation: named }, { path, endpoint }, ctx) {
      const { endpoints } = caller.scopes
      if (endpoints && !endpoints.includes(endpoint))
        return err({ code: 'forbidden', message: `This key may not be used for ${endpoint}.` })
      const keeper =
        request.bound?.field === 'previous_response_id'
          ? await keeperOf(env.KV, caller.org, request.extra.previous_response_id, id => decisionOf(id) !== null)
          : null
      if (keeper?.ok === false) return keeper
      const now_ms = effects.nowMs()
      const refreshed = health.refreshed(now_ms, ctx)
      const brought = own_keys.of(caller, ctx, now_ms)
      const name = policyNamed(request.model, caller)
      const policy = await policies.policyFor(name, ctx, now_ms)
      const own = brought instanceof Promise ? await brought : brought
      if (own === 'unavailable') return err({ code: 'keys_unavailable', message: 'their store does not answer. Try again in a moment.' })
      if (!policy) return err(missingPolicy(name, request.model, policies.names(ctx, now_ms)))
      const live = await catalogues.live(ctx, now_ms)
      if (refreshed !== null) await refreshed
      const catalogue = endpoint === 'chat' ? live : (live.serving.get(endpoint) ?? live)
      const names = policy.reads_names ? understanding().names : null
      const features = names ? withNames(nameless, request, names) : nameless
      const hides = asked && hidesOf(policy, catalogue)
      const asks = asked && hides ? asksHiding(asked, hides, features.personal_data) : asked
      const isOld = named !== undefined && isUnderWay(request)
      const conversation = isOld ? spoken.last(conversationKey(caller.key_id, request, named)) : undefined
      const shared = health.snapshot(effects.nowMs(), ctx)
      const probes = health.probes(effects.nowMs())
      return ok({
        catalogue,
        policy,
        policy_names: policies.names(ctx, now_ms),
        health: own === null ? shared : own.health(shared, now_ms),
        probes: own === null ? probes : own.probes(probes, now_ms),
        codecs: DIALECTS_WRITTEN,
        losses,
        caller,
        now_ms,
        draw: effects.draw(),
        decision_id: effects.newDecisionId(),
        endpoint: path,
        own,
        features,
        // Behind all others: what is named behind a spread that is not the first member is defined by a call into the runtime each.
        ...(asks && { asks }),
        ...(keeper && { keeper: keeper.value }),
        ...barOf(caller, now_ms),
        ...(conversation && { conversation }),
      })
    },

    answered({ request, conversation: named }, { key_id, at_ms, policy_version, features }, target) {
      if (named === undefined) return
      spoken.answered(conversationKey(key_id, request, named), { target, at_ms, prompt_tokens: features.prompt_tokens, policy_version })
    },
    catalogue: ctx => catalogues.live(ctx, effects.nowMs()),
    dialect: dialectNamed,
    credential: ({ auth }, own_secret) => {
      if (auth.style === 'none') return null
      if (auth.style === 'service_account') return accountKey(auth, variables, own_secret)
      const secret = own_secret ?? variables[auth.secret]
      if (!secret) return null
      if (auth.style === 'sigv4') return own_secret ? ownSigningKey(auth, own_secret, variables) : signingKey(auth, secret, variables)
      return auth.style === 'header' ? { header: auth.header, value: secret } : { header: 'authorization', value: `Bearer ${secret}` }
    },
    intend: (intent, ctx) => {
      const durable = intend(env, ctx, intent)
      return async () => {
        const answer = await durable()
        if (!answer.ok && answer.code === 'key_revoked') forgetRevoked(intent.key_id, effects.nowMs())
        if (answer.standing) learnBar(intent.key_id, answer.standing, effects.nowMs())
        return answer
      }
    },
    settle: (settlement, ctx) => settle(env, ctx, settlement),
    repeats: {
      keep: (claim, decision_id, answer) => keepForRepeats(env, claim, decision_id, answer),
      kept: (claim, decision_id) => keptForRepeats(env, claim, decision_id),
    },
    locate: health.locate,
    health: (now_ms, ctx) => health.snapshot(now_ms, ctx),
    report: (outcome, ctx) => health.report(outcome, ctx),
    retries: retryAllowance(),
    hedges: hedgeAllowance(),
    decided: ({ plan }, own) => {
      if (!own?.took(plan, effects.nowMs())) health.took(plan)
    },
    keepAnswer: (org, answer_id, target, ctx) => ctx.waitUntil(keepAnswer(env.KV, org, answer_id, target).catch(mishap)),
    findDecision: (org, id) => findDecision(env, org, id),
    policies,
    alarms: () => [
      ...policies.problems(),
      ...catalogues.problems(),
      ...own_keys.problems(),
      ...(health.reachable() ? [] : [unreachable(effects.nowMs())]),
    ],
    mishap,
  }
}

/** Read when it is asked for, as a file of 2 kB takes some ten microseconds, and only those calls that it signs. What a caller brings is a token. */
function accountKey(
  { secret, token, audience }: Extract<Provider['auth'], { style: 'service_account' }>,
  variables: Variables,
  own_secret: string | undefined,
): Credential | null {
  const borne = own_secret ?? textOf(variables, token)
  if (borne) return { header: 'authorization', value: `Bearer ${borne}` }
  const account = readServiceAccount(textOf(variables, secret))
  return account && { ...account, audience }
}

function signingKey(auth: Extract<Provider['auth'], { style: 'sigv4' }>, secret: string, variables: Variables): SigningKey {
  const { access_key_id, session_token, region, service } = auth
  return {
    access_key_id: textOf(variables, access_key_id),
    secret,
    session_token: (session_token && textOf(variables, session_token)) || null,
    region: textOf(variables, region),
    service,
  }
}

/** A key in two halves, or three where it is a passing one, is brought as one text: `<access key id>:<secret>[:<session token>]`. */
function ownSigningKey(auth: Extract<Provider['auth'], { style: 'sigv4' }>, text: string, variables: Variables): SigningKey {
  const [access_key_id = '', secret = '', session_token = null] = text.split(':', 3)
  return { access_key_id, secret, session_token, region: textOf(variables, auth.region), service: auth.service }
}

function makeEffects(env: Env): Effects {
  const effects: Effects = {
    nowMs: () => Date.now(),
    draw: () => Math.random(),
    newDecisionId: () => newDecisionId(Date.now()),
    sleep: (wait_ms, signal) => scheduler.wait(wait_ms, signal ? { signal } : {}),
    after(wait_ms, callback) {
      const timer = setTimeout(callback, wait_ms)
      return () => clearTimeout(timer)
    },
    fetch(transport, url, init) {
      if (transport === 'network') return fetch(url, init)
      if (transport === 'worker') return demoFetch(url, init, { ...effects, down: () => env.KV.get(DEMO_DOWN_KEY) })
      // A target has this transport only where the binding is there.
      return aiFetch((env as unknown as { AI: AiBinding }).AI, url, init, { ...effects, newId: () => crypto.randomUUID() })
    },
  }
  return effects
}

/** A caller who wrote `policy/<name>` gets the near names; one whose own policy is gone cannot mend that. */
function missingPolicy(name: PolicyName, model: string, names: PolicyName[]): GatewayError {
  if (model === `policy/${name}`) return { code: 'model_not_found', model, near: names.map(each => `policy/${each}`).slice(0, 5) }
  return { code: 'policy_unavailable', policy: name, message: 'this key is set to it, and it is not in KV.' }
}

function unreachable(now_ms: Ms): Alarm {
  return {
    about: 'health',
    message: 'HealthObject does not answer; this isolate goes by its own experience.',
    line: null,
    since_ms: now_ms,
  }
}

/** The stack goes to the platform's log under a reference; the caller sees the reference only. No request data is in it. */
function mishap(error: unknown): string {
  const reference = crypto.randomUUID()
  console.error(JSON.stringify({ mishap: reference, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
  return reference
}
