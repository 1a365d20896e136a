/**
 * The sentences. A decision record holds codes and numbers; here they become what a person reads, on demand and never on the
 * way of a request, except for the one short line that goes into a header.
 */
import type { DecisionRecord, RefusalReason, Score, Undecided } from '../../schema/decision.ts'
import type { PassedEndpoint } from '../../schema/endpoint.ts'
import type { OutcomeClass } from '../../schema/health.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { LossCount, Settlement, UsageOutcome } from '../../schema/usage.ts'

/** A header is ASCII, and short enough to be read in a terminal. */
const LINE_LIMIT = 200

const CHOSEN_BY = {
  best: 'best of',
  pinned: 'named, of',
  split: 'by split, of',
  explored: 'explored, of',
  probe: 'finding out whether it is back, of',
  panic: 'nothing healthy, soonest due of',
} satisfies Record<DecisionRecord['chosen_by'], string>

/**
 * `best of 12 for code_generation, difficulty 0.62: quality 0.81, $0.0014, 2.1 s; rules: easy-goes-cheap`. Where another than
 * the chosen target answered, that comes first: `failed over from demo/unreliable, best of 3 ...`.
 */
export function reasonLine(record: DecisionRecord, answered: TargetId | null = record.chosen): string {
  const { features, chosen_by, eligible, rules, chosen } = record
  const score = record.scores.find(each => each.target === chosen)
  const numbers = score ? `: quality ${fixed(score.quality, 2)}, ${cents(score.cost_micros)}, ${fixed(score.latency_ms / 1000, 1)} s` : ''
  const matched = rules.length > 0 ? `; rules: ${rules.join(', ')}` : ''
  const of = chosen_by === 'panic' ? record.plan.steps.length : eligible
  const moved = answered === null || answered === chosen ? '' : `failed over from ${chosen}, `
  const asked = record.endpoint ?? `${features.task}, difficulty ${fixed(features.difficulty, 2)}`
  return ascii(`${moved}${CHOSEN_BY[chosen_by]} ${of} for ${asked}${numbers}${matched}`)
}

/** Printable ASCII only: a rule's name may hold anything, a header may not. */
function ascii(line: string): string {
  return line.slice(0, LINE_LIMIT).replace(/[^\x20-\x7e]/g, '?')
}

const fixed = (value: number, digits: number) => value.toFixed(digits)

function cents(cost_micros: number | null): string {
  if (cost_micros === null) return 'cost unknown'
  return cost_micros === 0 ? 'free' : `$${(cost_micros / 1_000_000).toFixed(cost_micros < 100 ? 6 : 4)}`
}

/** The whole story in sentences, most important first. */
export function explain(record: DecisionRecord): string[] {
  return [
    chosenSentence(record),
    understoodSentence(record),
    ...boundSentence(record.plan),
    ...ruleSentences(record),
    ...runnerUpSentence(record),
    ...staySentence(record),
    ...frontSentence(record),
    failoverSentence(record),
    ...refusalSentences(record.refused),
    ...record.losses.map(loss => `On the way to ${record.chosen}, "${loss.field}" is ${loss.how}${loss.note ? `: ${loss.note}` : ''}.`),
    healthSentence(record),
  ]
}

const CALL_ENDED = {
  ok: 'answered',
  connection: 'could not be reached',
  server: 'failed',
  late: 'was late',
  timeout: 'was silent for too long',
  truncated: 'broke off its answer',
  garbage: 'sent something that is no answer',
  rate: 'is rate-limited',
  auth: "refused the router's credential",
  gone: 'does not have this model any more',
  client: 'refused the request',
  cancelled: 'was cancelled',
} satisfies Record<OutcomeClass, string>

const REQUEST_ENDED = {
  completed: 'The caller got the whole answer.',
  failed: 'The caller got an error.',
  truncated: 'The answer had begun and broke off; the caller was told so at its end.',
  caller_left: 'The caller went away before the end.',
  orphan: 'The router died before it could say how this ended; what is shown is estimated.',
} satisfies Record<UsageOutcome, string>

/** What came of a decision: each call in its order, and what the caller saw. */
export function explainOutcome({
  outcome,
  attempts,
  losses,
}: Pick<Settlement, 'outcome' | 'attempts'> & { losses: LossCount[] | null }): string[] {
  const calls = attempts.map(({ target, role, class: ended, status, detail, ended_ms, redacted }) => {
    const how = [status === null || ended === 'ok' ? null : `status ${status}`, detail].filter(fact => fact !== null).join(', ')
    const hidden = Object.entries(redacted ?? {}).map(([type, count]) => `${type} ${count}`)
    const told = hidden.length > 0 ? ` It saw placeholders for what it must not see: ${hidden.join(', ')}.` : ''
    return `${role === 'shadow' ? 'A copy for ' : ''}${target} ${CALL_ENDED[ended]}${how ? ` (${how})` : ''} after ${(ended_ms / 1000).toFixed(2)} s.${told}`
  })
  const lost = (losses ?? []).map(({ loss, how, count }) => `${how} ${loss}${count > 1 ? ` (${count} times)` : ''}`)
  return [...calls, REQUEST_ENDED[outcome], ...(lost.length > 0 ? [`Translation, there and back: ${lost.join(', ')}.`] : [])]
}

/** The same where there was no decision. */
export function explainUndecided({ code, message, rule, near, served_at = [], record }: Undecided): string[] {
  const why = {
    forbidden: message,
    model_not_found:
      served_at.length > 0
        ? `"${record.requested_model}" is not served at this endpoint, but for ${served_at.join(', ')}.`
        : `Nothing here is called "${record.requested_model}".${near.length > 0 ? ` Near: ${near.join(', ')}.` : ''}`,
    refused_by_policy: `The rule "${rule}" of policy "${record.policy}" refuses this request: ${message}`,
    model_needed: `Several models may answer, and what they give cannot be compared: ${near.join(', ')}. The caller must name one, or a policy narrow them.`,
    no_eligible_target: `No target may answer under policy "${record.policy}".`,
  }[code]
  return [why, ...ruleSentences(record), ...refusalSentences(record.refused)]
}

function chosenSentence({ chosen, chosen_by, eligible, requested_model, policy, propensity, plan }: DecisionRecord): string {
  const among = eligible === 1 ? 'the only eligible target' : `one of ${eligible} eligible targets`
  const under = `under policy "${policy}"`
  switch (chosen_by) {
    case 'best':
      return `${chosen} was chosen ${under}: ${eligible === 1 ? among : `it scores highest of ${eligible} eligible targets`}.`
    case 'pinned':
      return `${chosen} was chosen ${under}: ${requested_model === 'auto' || requested_model.startsWith('policy/') ? 'a rule prefers it' : `the caller asked for "${requested_model}"`}; it is ${among}.`
    case 'split':
      return `${chosen} was chosen ${under} by a split: it gets ${percent(propensity)} of such requests.`
    case 'explored':
      return `${chosen} was chosen ${under} by exploration, ${among}, so that choices can be judged later: the probability of that was ${percent(propensity)}.`
    case 'probe':
      return `${chosen} was chosen ${under}, ${among}, to find out whether it answers again: it was being left alone, and this request would have fallen back on it.`
    case 'panic':
      return `${chosen} was chosen ${under} although it is being left alone: ${plan.steps.length === 1 ? 'nobody else' : 'none of the others'} could answer, and it is due again soonest.`
  }
}

const percent = (share: number) => `${Number((share * 100).toPrecision(3))} %`

/** What other endpoints are asked for: there is no task of a chat in it, and its difficulty says nothing. */
const ASKED_FOR = {
  completions: 'asks for a text to be continued',
  embeddings: 'asks for embeddings',
  images: 'asks for an image',
  image_edits: 'asks for an image to be edited',
  speech: 'asks for a text to be spoken',
  transcriptions: 'asks for speech to be written down',
  moderations: 'asks for a verdict of moderation',
  rerank: 'asks for documents to be ranked',
} satisfies Record<PassedEndpoint, string>

function understoodSentence({ features, endpoint }: DecisionRecord): string {
  const { task, task_confidence, difficulty, prompt_tokens, expected_output_tokens, language } = features
  const spoken = language === 'und' ? '' : `, language "${language}"`
  if (endpoint !== undefined) {
    const out = expected_output_tokens > 0 ? ` and ${expected_output_tokens} out` : ''
    return `The request ${ASKED_FOR[endpoint]}${spoken}; about ${prompt_tokens} tokens in${out}.`
  }
  return `The request looks like ${task.replaceAll('_', ' ')} (${percent(task_confidence)} sure), difficulty ${fixed(difficulty, 2)} of 1${spoken}; about ${prompt_tokens} tokens in and ${expected_output_tokens} out.`
}

function boundSentence({ output_bound }: DecisionRecord['plan']): string[] {
  if (output_bound === undefined) return []
  const { tokens, asked } = output_bound
  return [`The answer may have ${tokens} tokens by the policy; the caller ${asked === null ? 'set no limit' : `asked for up to ${asked}`}.`]
}

function ruleSentences({ rules, rule_errors }: Pick<DecisionRecord, 'rules' | 'rule_errors'>): string[] {
  return [
    ...(rules.length > 0 ? [`Rules that matched: ${rules.map(name => `"${name}"`).join(', ')}.`] : []),
    ...rule_errors.map(({ rule, message }) => `The rule "${rule}" could not be judged and so did not match: ${message}.`),
  ]
}

/** What the next one would have done better and worse, in the terms that were weighed. */
function runnerUpSentence({ scores, chosen, objective }: DecisionRecord): string[] {
  const first = scores.find(each => each.target === chosen)
  const second = scores.find(each => each.target !== chosen)
  if (!first || !second) return []
  const weighed = objective.quality + objective.cost + objective.latency + objective.energy
  const terms = (['quality', 'cost', 'latency', 'energy'] as const)
    .filter(term => objective[term] > 0)
    .map(term => {
      const difference = ((first[`${term}_score`] - second[`${term}_score`]) * objective[term]) / weighed
      return `${term} ${difference < 0 ? '-' : '+'}${fixed(Math.abs(difference), 3)} (${measure(term, first)} against ${measure(term, second)})`
    })
  const penalty = second.penalty - first.penalty
  const healthier = penalty === 0 ? '' : `, standing ${penalty < 0 ? '-' : '+'}${fixed(Math.abs(penalty), 3)}`
  return [`Against ${second.target} (${fixed(first.total, 3)} to ${fixed(second.total, 3)}): ${terms.join(', ')}${healthier}.`]
}

function staySentence({ stay, chosen, chosen_by }: DecisionRecord): string[] {
  if (!stay) return []
  const cached = stay.cached_tokens > 0 ? `, where about ${stay.cached_tokens} tokens of the prompt may be cached` : ''
  const from = `${stay.target} answered last in this conversation, ${fixed(stay.age_ms / 1000, 0)} s ago${cached}`
  return [
    stay.target === chosen
      ? `${from}: it stays there unless another is better by ${stay.margin}.`
      : `${from}; it moves to ${chosen}, ${chosen_by === 'best' ? `which is better by more than ${stay.margin}` : 'for the reason above'}.`,
  ]
}

function frontSentence({ front, eligible }: DecisionRecord): string[] {
  if (eligible < 2 || front.length === 0) return []
  return [
    `Beaten by none in quality, cost, latency and energy at once: ${front.slice(0, NAMES_SHOWN).join(', ')}${front.length > NAMES_SHOWN ? ' and more' : ''}.`,
  ]
}

function measure(term: 'quality' | 'cost' | 'latency' | 'energy', score: Score): string {
  switch (term) {
    case 'quality':
      return fixed(score.quality, 2)
    case 'cost':
      return cents(score.cost_micros)
    case 'latency':
      return `${fixed(score.latency_ms / 1000, 1)} s`
    case 'energy':
      return score.energy_wh === null ? 'unknown' : `${Number(score.energy_wh.toPrecision(2))} Wh`
  }
}

function failoverSentence({ plan }: DecisionRecord): string {
  const [, ...others] = plan.steps
  const tries = `at most ${plan.attempts} calls in all, ${plan.total_ms / 1000} s`
  return others.length === 0
    ? `Nobody else may answer if it fails (${tries}).`
    : `If it fails: ${others.map(step => step.target).join(', then ')} (${tries}).`
}

const WORDS = {
  not_named: 'the caller asked for something else',
  not_in_policy: 'outside the targets of the policy',
  not_in_scope: "outside the scopes of the caller's key",
  narrowed_by_rule: 'narrowed away by the rule',
  modality: 'does not take input of the kind',
  output_modality: 'does not give output of the kind',
  tools: 'cannot call',
  structured_output: 'cannot promise the output form',
  streaming: 'cannot',
  logprobs: 'does not give',
  choices: 'does not give',
  dimensions: 'makes vectors of another length',
  context_window: 'context window too small; tokens needed:',
  output_limit: 'output limit too small; tokens needed:',
  region: 'outside the regions',
  retention: 'keeps data longer than, or does not say; days allowed:',
  training: 'trains on data, or does not say',
  certification: 'not certified for',
  provider: 'provider not allowed; needed:',
  excluded: 'excluded by',
  quality: 'expected quality below',
  cost: 'expected cost above, or unknown; micro-USD allowed:',
  expensive_share: 'the share of dear targets is used up for now; micro-USD per million output tokens allowed:',
  latency: 'expected first token later than, in ms:',
  energy: 'expected energy above, or unknown; Wh allowed:',
  readiness: 'not of the readiness',
  lossy: 'would lose in translation:',
  redaction: 'may not see what this body holds, which passes through as it is:',
  dialect: 'speaks a dialect this router cannot write:',
  stored_state: 'keeps nothing of what the request leans on:',
  reasoning: 'has no',
  open: 'failing, and left alone for now',
  isolated: 'taken out by hand',
  rate_limited: 'rate-limited for now',
  credential: "refused the router's credential",
  ramping: 'recovering, and this request is not in its share',
} satisfies Record<RefusalReason, string>

/** A few names are enough to recognise the group; the record has them all. */
const NAMES_SHOWN = 4

export function refusalSentences(refused: DecisionRecord['refused']): string[] {
  return refused.map(({ reason, need, count, targets }) => {
    const names = targets
      .slice(0, NAMES_SHOWN)
      .map(({ target, have }) => (have === undefined || have === null ? target : `${target} (${have})`))
    const more = count > names.length ? ` and ${count - names.length} more` : ''
    const needed = need === undefined || typeof need === 'boolean' ? '' : ` ${need}`
    return `Refused, ${WORDS[reason]}${needed}: ${names.join(', ')}${more}.`
  })
}

function healthSentence({ health_age_ms, decision_id }: DecisionRecord): string {
  const seen = health_age_ms === null ? 'nothing was known of health yet' : `health was ${fixed(health_age_ms / 1000, 1)} s old`
  return `Decision ${decision_id}: ${seen}.`
}
