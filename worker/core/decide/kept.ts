/**
 * A decision record as it is kept, and read again. One is written with every request, carried, stored and stored again, so
 * each byte of it is paid for five times: it is kept as rows of values whose names are said once, without what its usage row
 * says anyway, and what many decisions have in common (limits, refused targets) is kept apart, once for all of them.
 *
 * It is one value written by `JSON.stringify`, which in workerd 1.20261023 takes 9.3 us of a 2 kB prompt's record; the same text put
 * together by hand took 10.6 (2026-11-24, medians of 40 interleaved rounds of 300), though in Node 24.21 it was the other way round. In the
 * benchmark a record is 1.1 kB instead of 4.0.
 */
import type { DecisionRecord, KeptDecision, Plan, PlanStep, Score, Shared } from '../../schema/decision.ts'
import { type Features, features } from '../../schema/features.ts'
import type { TargetId } from '../../schema/ids.ts'

/** Where each part of a record is kept; a part that is missing here does not compile. */
const PLACES = {
  ...({ decision_id: 'row', at_ms: 'row', org: 'row', key_id: 'row', dialect: 'row', requested_model: 'row' } as const),
  ...({ policy: 'row', policy_version: 'row', chosen: 'row' } as const),
  ...({ v: 'shared', catalogue_version: 'shared', limits: 'shared', refused: 'shared' } as const),
  ...({
    endpoint: 'own',
    health_age_ms: 'own',
    features: 'own',
    objective: 'own',
    rules: 'own',
    rule_errors: 'own',
    scores: 'own',
  } as const),
  ...({
    eligible: 'own',
    energy: 'own',
    front: 'own',
    stay: 'own',
    plan: 'own',
    chosen_by: 'own',
    propensity: 'own',
    draw: 'own',
    losses: 'own',
  } as const),
} satisfies Record<keyof DecisionRecord, 'row' | 'shared' | 'own'>
type In<Place> = { [Part in keyof DecisionRecord]-?: (typeof PLACES)[Part] extends Place ? Part : never }[keyof DecisionRecord]

/** What the record's usage row says: it is taken from there. */
export type SaidByRow = Omit<Pick<DecisionRecord, In<'row'>>, 'chosen'> & { planned_target: DecisionRecord['chosen'] }

const FEATURES = Object.keys(features.shape) as (keyof Features)[]
const SCORES = [
  ...(['target', 'quality', 'quality_uncertainty', 'cost_micros', 'latency_ms', 'energy_wh', 'quality_score', 'cost_score'] as const),
  ...(['latency_score', 'energy_score', 'penalty', 'total'] as const),
] satisfies (keyof Score)[]
const STEPS = ['target', 'headers_ms', 'first_token_ms', 'idle_ms', 'late_ms', 'probe'] as const satisfies (keyof PlanStep)[]
const OBJECTIVE = ['quality', 'cost', 'latency', 'energy'] as const satisfies (keyof DecisionRecord['objective'])[]

/** By a version of their own, for the readers of old rows. */
const NAMES = `"v":1,"features_of":${JSON.stringify(FEATURES)},"scores_of":${JSON.stringify(SCORES)},"steps_of":${JSON.stringify(STEPS)},"objective_of":${JSON.stringify(OBJECTIVE)}`

/**
 * Texts of what decisions share, for as long as their list of refused targets is the same object. `course` is the plan but for its
 * steps, as the first of them had it: most often it is the policy's, and alike for all.
 */
type Known = { catalogue_version: string; limits: DecisionRecord['limits']; course: string; shared: Shared }
const texts = new WeakMap<DecisionRecord['refused'], Known>()

export function keptDecision(record: DecisionRecord): KeptDecision {
  const { refused, limits, catalogue_version } = record
  const course = courseOf(record.plan)
  // Only a list that stands for many requests is frozen (`prepared.ts`).
  if (!Object.isFrozen(refused)) return { shared: null, own: `{${commonOf(record)},${course},${ownOf(record).slice(1)}` }
  let known = texts.get(refused)
  if (known?.limits !== limits || known.catalogue_version !== catalogue_version) {
    known = { catalogue_version, limits, course, shared: { json: `{${commonOf(record)},${course}}` } }
    texts.set(refused, known)
  }
  // What a record says itself counts for more than what it shares.
  const own = ownOf(record)
  return { shared: known.shared, own: course === known.course ? own : `{${course},${own.slice(1)}` }
}

function commonOf({ catalogue_version, limits, refused }: DecisionRecord): string {
  return `${NAMES},"catalogue_version":${JSON.stringify(catalogue_version)},"limits":${JSON.stringify(limits)},"refused":${JSON.stringify(refused)}`
}

function courseOf({ steps: _, ...course }: Plan): string {
  return `"plan":${JSON.stringify(course)}`
}

/** What nobody knows is not a number, which JSON has as null, and what is absent has no name there. */
function ownOf(record: DecisionRecord): string {
  const { health_age_ms, features, objective, rules, rule_errors, scores, eligible, energy, front, stay, endpoint } = record
  const { plan, chosen_by, propensity, draw, losses } = record
  return JSON.stringify({
    health_age_ms,
    features: FEATURES.map(name => features[name]),
    objective: [objective.quality, objective.cost, objective.latency, objective.energy],
    rules,
    rule_errors,
    scores: scores.map(scoreRow),
    eligible,
    energy,
    front: front.map(target => placeIn(scores, target)),
    stay,
    endpoint,
    steps: plan.steps.map(step => stepRow(step, scores)),
    chosen_by,
    propensity,
    draw,
    losses,
  })
}

/** In the order of `SCORES`. */
function scoreRow(score: Score): unknown[] {
  const { target, quality, quality_uncertainty, cost_micros, latency_ms, energy_wh } = score
  const { quality_score, cost_score, latency_score, energy_score, penalty, total } = score
  // biome-ignore format: two rows, as above
  return [target, quality, quality_uncertainty, cost_micros, latency_ms, energy_wh,
    quality_score, cost_score, latency_score, energy_score, penalty, total]
}

/** In the order of `STEPS`. */
function stepRow({ target, headers_ms, first_token_ms, idle_ms, late_ms, probe }: PlanStep, scores: Score[]): unknown[] {
  return [placeIn(scores, target), headers_ms, first_token_ms, idle_ms, late_ms, probe]
}

function placeIn(scores: Score[], target: TargetId): Named {
  for (let place = 0; place < scores.length; place++) if (scores[place]?.target === target) return place
  return target
}

/** A target by its place in `scores` where it has one: ids are long, and most stand there already. In older rows always the id. */
type Named = number | TargetId

type Kept = {
  v: 1
  features_of: string[]
  scores_of: string[]
  steps_of: string[]
  objective_of: string[]
  features: unknown[]
  scores: unknown[][]
  steps: [Named, ...unknown[]][]
  objective: unknown[]
  front: Named[]
  plan: Omit<DecisionRecord['plan'], 'steps'>
} & Pick<DecisionRecord, 'catalogue_version' | 'limits' | 'refused' | 'health_age_ms' | 'rules' | 'rule_errors' | 'eligible'> &
  Pick<DecisionRecord, 'energy' | 'stay' | 'endpoint' | 'chosen_by' | 'propensity' | 'draw' | 'losses'>

/** The record again, from its two parts and its usage row. */
export function recordFrom(row: SaidByRow, shared: object | null, own: object): DecisionRecord {
  const kept = { ...shared, ...own } as Kept
  const scores = kept.scores.map(values => named<Score>(kept.scores_of, values))
  const targetOf = (place: Named): TargetId => (typeof place === 'number' ? (scores[place]?.target ?? '') : place)
  return {
    v: 1,
    decision_id: row.decision_id,
    at_ms: row.at_ms,
    org: row.org,
    key_id: row.key_id,
    dialect: row.dialect,
    ...(kept.endpoint && { endpoint: kept.endpoint }),
    requested_model: row.requested_model,
    policy: row.policy,
    policy_version: row.policy_version,
    catalogue_version: kept.catalogue_version,
    health_age_ms: kept.health_age_ms,
    features: named(kept.features_of, kept.features),
    objective: named(kept.objective_of, kept.objective),
    limits: kept.limits,
    rules: kept.rules,
    rule_errors: kept.rule_errors,
    scores,
    eligible: kept.eligible,
    ...(kept.energy !== undefined && { energy: kept.energy }),
    front: kept.front.map(targetOf),
    ...(kept.stay && { stay: kept.stay }),
    refused: kept.refused,
    plan: {
      steps: kept.steps.map(([target, ...values]) => {
        const { late_ms, probe, ...step } = named<PlanStep & { late_ms: number | null; probe: true | null }>(kept.steps_of, [
          targetOf(target),
          ...values,
        ])
        return { ...step, ...(late_ms === null ? {} : { late_ms }), ...(probe ? { probe } : {}) }
      }),
      ...kept.plan,
    },
    chosen: row.planned_target,
    chosen_by: kept.chosen_by,
    propensity: kept.propensity,
    draw: kept.draw,
    losses: kept.losses,
  }
}

const named = <Shape>(names: string[], values: unknown[]): Shape =>
  Object.fromEntries(names.map((name, i) => [name, values[i] ?? null])) as Shape
