/**
 * Decisions for sketches, without a server: a policy's own tests before it is accepted, and `signalbox policy explain`. The
 * same `understand` and `decide` as for a real request, over a catalogue in which everything counts as switched on unless
 * the sketch says what is.
 */
import type { Caller } from '../../schema/caller.ts'
import type { Catalogue } from '../../schema/catalogue.ts'
import { type ChatRequest, DIALECTS } from '../../schema/chat.ts'
import type { DecisionRecord, Undecided } from '../../schema/decision.ts'
import type { HealthSnapshot, TargetHealth } from '../../schema/health.ts'
import type { PolicyTest, Sketch } from '../../schema/policy.ts'
import type { Ms } from '../../schema/units.ts'
import type { Result } from '../result.ts'
import type { Understanding } from '../understand/artefact.ts'
import { withNames } from '../understand/name-features.ts'
import { understand } from '../understand/understand.ts'
import { credentialVariables } from './address.ts'
import { compileCatalogue } from './catalogue.ts'
import { decide } from './decide.ts'
import { explainUndecided } from './explain.ts'
import { maskOf } from './selector.ts'
import { callerOf, requestOf } from './sketch.ts'
import type { CompiledPolicy, LiveCatalogue, LiveTarget, World } from './world.ts'

/** A draw in the middle: no exploration, whose share is at most one half, and the arm of a split that holds the middle. */
const DRAW = 0.5

/** Names that stand for whatever an operator's own server runs: one known model, and one nobody knows. */
const LOCAL_MODELS = 'gpt-oss-20b,own-model'

/** Everything of a catalogue, switched on. */
export function wholeCatalogue(catalogue: Catalogue): LiveCatalogue {
  return compileCatalogue(catalogue, everythingOn(catalogue), instantOf(catalogue), 'whole')
}

/** Figures are judged as of the day they were gathered, at noon; so a test gives the same tomorrow. */
export const instantOf = (catalogue: Catalogue): Ms => Date.parse(catalogue.as_of) + 12 * 3_600_000

/** Variables under which every provider counts as configured. */
function everythingOn(catalogue: Catalogue): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const provider of catalogue.providers) {
    for (const part of provider.base_url?.split('{').slice(1) ?? []) variables[part.slice(0, part.indexOf('}'))] = 'any'
    for (const name of credentialVariables(provider)) variables[name] = 'any'
    if (provider.base_url_var) variables[provider.base_url_var] = 'http://localhost/v1'
    if (provider.models_var) variables[provider.models_var] = LOCAL_MODELS
    if (provider.enabled_by) variables[provider.enabled_by] = 'on'
  }
  return variables
}

/** The same catalogue with only these targets. */
export function only(catalogue: LiveCatalogue, isIn: (target: LiveTarget, index: number) => boolean): LiveCatalogue {
  const targets = catalogue.targets.filter(isIn)
  const kept = new Set(targets)
  return {
    version: catalogue.version,
    targets,
    by_id: new Map(targets.map(target => [target.id, target])),
    by_name: new Map([...catalogue.by_name].map(([name, named]) => [name, named.filter(target => kept.has(target))])),
    off: catalogue.off,
    serving: catalogue.serving,
    everywhere: catalogue.everywhere,
  }
}

/** What a sketch counts as switched on: all but the built-in demo, where it does not say. */
export function liveFor(sketch: Sketch, whole: LiveCatalogue, groups: Record<string, string[]>): LiveCatalogue {
  const mask = sketch.live ? maskOf(sketch.live, whole.targets, groups) : null
  return only(whole, (target, i) => (mask ? mask[i] === 1 : target.provider.transport !== 'worker'))
}

export type TrialOptions = {
  now_ms: Ms
  /** The learned part of understanding, as the router has it; null goes by words alone, as a router without it would. */
  model: Understanding | null
  draw?: number
  down?: readonly string[]
  codecs?: World['codecs']
  losses?: World['losses']
  scores_kept?: number
}

/** What this policy would do with a request, were these targets live and these of them down. */
export function trial(
  request: ChatRequest,
  caller: Caller,
  policy: CompiledPolicy,
  live: LiveCatalogue,
  options: TrialOptions,
): Result<DecisionRecord, Undecided> {
  const world: World = {
    catalogue: live,
    policy,
    policy_names: [policy.policy.name],
    health: healthWith(options.down ?? [], options.now_ms),
    codecs: options.codecs ?? new Set(DIALECTS),
    losses: options.losses ?? (() => []),
    // Whoever tries a policy may use it.
    caller: { ...caller, policy: policy.policy.name },
    now_ms: options.now_ms,
    draw: options.draw ?? DRAW,
    decision_id: 'dec_00000000-0000-0000-0000-000000000000',
    endpoint: '/v1/chat/completions',
  }
  const names = policy.reads_names ? options.model?.names : null
  const features = understand(request, options.model)
  return decide(request, names ? withNames(features, request, names) : features, world, options.scores_kept)
}

function healthWith(down: readonly string[], now_ms: Ms): HealthSnapshot {
  const open: TargetHealth = {
    state: 'open',
    until_ms: now_ms + 60_000,
    limited_until_ms: null,
    auth_broken_until_ms: null,
    ramp_share: 0,
    error_rate: 1,
    ln_first_token_ms: { s: null, m: null, l: null, xl: null },
    ln_tokens_per_second: null,
    slow: false,
    last_ok_at_ms: null,
    samples: 10,
  }
  // Where nothing is down, nothing is known of health, as in a router that has just started.
  return { v: 1, taken_at_ms: down.length > 0 ? now_ms : 0, targets: Object.fromEntries(down.map(id => [id, open])) }
}

export type TestResult = { name: string; ok: boolean; expected: string; got: string }

export function runPolicyTests(compiled: CompiledPolicy, catalogue: Catalogue, model: Understanding | null): TestResult[] {
  const whole = wholeCatalogue(catalogue)
  return compiled.policy.tests.map(test => resultOf(test, compiled, whole, { now_ms: instantOf(catalogue), model }))
}

export function resultOf(test: PolicyTest, compiled: CompiledPolicy, whole: LiveCatalogue, options: TrialOptions): TestResult {
  const { groups } = compiled.policy
  const live = liveFor(test.request, whole, groups)
  const { request } = test
  const decided = trial(requestOf(request), callerOf(request), compiled, live, { ...options, draw: test.draw, down: request.down })
  const isIn = (selectors: string[]) => {
    const at = decided.ok ? live.targets.findIndex(target => target.id === decided.value.chosen) : -1
    return at >= 0 && maskOf(selectors, live.targets, groups)[at] === 1
  }
  const { expect } = test
  const got = decided.ok ? decided.value.chosen : `refused: ${explainUndecided(decided.error)[0]}`
  const result = (ok: boolean, expected: string) => ({ name: test.name, ok, expected, got })
  if ('target' in expect) return result(isIn([expect.target]), expect.target)
  if ('not_target' in expect) return result(decided.ok && !isIn([expect.not_target]), `any but ${expect.not_target}`)
  if ('first_of' in expect) return result(isIn(expect.first_of), `one of ${expect.first_of.join(', ')}`)
  const { refused } = expect
  return result(!decided.ok && (refused === true || saysWhy(decided.error, refused)), refused === true ? 'refused' : `refused: ${refused}`)
}

/** A refusal may be expected by its code, by the name of the rule, by the reason for one of the targets, or by words of the message. */
function saysWhy({ code, rule, message, record }: Undecided, why: string): boolean {
  return (
    code === why ||
    rule === why ||
    record.refused.some(group => group.reason === why || group.need === why) ||
    message.toLowerCase().includes(why.toLowerCase())
  )
}
