/**
 * A policy: what an operator wants, in one document. It is strict: an unknown key is refused, so that a typing error is
 * seen when it is written and not at three in the morning.
 *
 * `objective` weighs what is good; `require` says what must hold on every edge (first choice, failover, hedge); `rules`
 * look at one request and narrow, require, reweigh, pin, split, shadow or refuse; `limits` bound time, tries and money.
 *
 * The descriptions are shown by editors, through `policies/policy.schema.json` (`npm run schema`).
 */
import * as z from 'zod'
import { PERSONAL_DATA_TYPES, personalDataType } from './features.ts'
import { healthRules } from './health-rules.ts'
import { policyName } from './ids.ts'

const share = z.number().min(0).max(1)
const seconds30 = 30_000

/** A target id, `provider/*`, a glob such as `*\/llama-*`, or `group:<name>`. */
export const selector = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9@*][A-Za-z0-9@._:/*-]*$/, 'a selector is a target id, provider/*, a glob, or group:<name>')
export const selectors = z.array(selector).min(1).max(200)

/** Weights of what matters; only their proportions count. */
export const objective = z.strictObject({
  quality: z.number().min(0).max(100).default(0),
  cost: z.number().min(0).max(100).default(0),
  latency: z.number().min(0).max(100).default(0),
  energy: z.number().min(0).max(100).default(0),
})
export type Objective = z.infer<typeof objective>

/** What a target must be. A fact that the catalogue does not know fails a requirement on it. */
export const requirement = z.strictObject({
  regions: z
    .array(z.string().max(30))
    .min(1)
    .optional()
    .describe('Inference stays in one of these regions: every region the target may use must be listed. `local` is always inside.'),
  retention_days_at_most: z.int().min(0).optional().describe('Prompts and answers are deleted by then; 0 for not kept at all.'),
  no_training: z.literal(true).optional().describe('The provider does not train on the data.'),
  certifications: z.array(z.string().max(60)).min(1).optional().describe('All of these, such as soc2 or hipaa; in any case of letters.'),
  providers: z.array(z.string().max(40)).min(1).optional().describe('Only these providers.'),
  not_providers: z.array(z.string().max(40)).min(1).optional().describe('None of these providers.'),
  targets: selectors.optional().describe('Only these targets.'),
  not_targets: selectors.optional().describe('None of these targets.'),
  quality_at_least: share
    .optional()
    .describe('Expected quality for this very request, 0 to 1: easy prompts let nearly every target pass, hard ones few.'),
  cost_at_most_usd: z.number().positive().optional().describe('USD for the whole request, by estimate.'),
  first_token_at_most_ms: z.int().positive().optional().describe('Expected time to the first token, measured or else from the catalogue.'),
  energy_at_most_wh: z.number().positive().optional().describe('Watt-hours for the whole request, by estimate.'),
  context_tokens_at_least: z.int().positive().optional().describe('Size of the context window.'),
  readiness: z.enum(['always_warm', 'serverless']).optional().describe('`always_warm`: never a cold start.'),
  lossless: z
    .literal(true)
    .optional()
    .describe('Nothing may be lost in translation: a target whose dialect cannot carry the request is refused, naming the field.'),
})
export type Requirement = z.infer<typeof requirement>

/** What a rule does, one thing each. */
export const action = z.union([
  z.strictObject({ narrow: selectors.describe('Only these may answer, on every edge.') }),
  z.strictObject({ require: requirement.describe('What a target must be as well, on every edge.') }),
  z.strictObject({ reweigh: objective.describe('Other weights for this request; of several such rules the last one wins.') }),
  z.strictObject({
    pin: selector.describe('The best of these goes first; the others stay behind it for failover. (`narrow` leaves only these.)'),
  }),
  z.strictObject({
    split: z
      .array(z.strictObject({ to: selector, weight: z.number().positive().max(1000) }))
      .min(2)
      .max(20)
      .describe(
        'The first choice by the draw, in proportion to the weights; an arm whose targets are all out gives its share to the others.',
      ),
  }),
  z.strictObject({
    shadow: z
      .strictObject({ to: selector, share })
      .describe('A share of requests is also sent there; nobody sees that answer, and it costs money.'),
  }),
  z.strictObject({ refuse: z.string().min(1).max(300).describe('Nobody answers; the caller is told this.') }),
])
export type Action = z.infer<typeof action>

export const rule = z.strictObject({
  name: z.string().min(1).max(80).describe('Shown in decisions and in the reason header.'),
  when: z.string().min(1).max(2000).describe('A CEL expression over the variables of `core/decide/variables.ts`, giving a bool.'),
  do: action.describe('What it does: exactly one of narrow, require, reweigh, pin, split, shadow, refuse.'),
  last: z.boolean().default(false).describe('Stop looking at later rules once this one matched.'),
})
export type Rule = z.infer<typeof rule>

export const limits = z.strictObject({
  attempts: z.int().min(1).max(5).default(3).describe('Calls for one request, over all targets.'),
  attempts_per_target: z.int().min(1).max(3).default(2).describe('Calls to one target before another is asked.'),
  headers_ms: z
    .int()
    .min(100)
    .max(120_000)
    .default(seconds30)
    .describe('To the headers of a stream. A whole answer sends them only when it is done, and is waited for by its predicted length.'),
  first_token_ms: z
    .int()
    .min(100)
    .max(120_000)
    .default(12_000)
    .describe('To the first token of a stream. A target that usually thinks longer gets twice its usual time.'),
  idle_ms: z.int().min(100).max(120_000).default(15_000).describe('Between two events of a stream.'),
  total_ms: z.int().min(100).max(900_000).default(300_000).describe('For the whole request, whatever happens.'),
  late_over_p99: z
    .number()
    .min(1)
    .max(10)
    .default(1.5)
    .describe(
      "A first token is overdue, which tells its target's health while the call still waits, after so many times what 99 of 100 took there,",
    ),
  late_at_least_ms: z.int().min(100).max(120_000).default(2_000).describe('never sooner than this, as a busy minute is no fault,'),
  late_at_most_ms: z.int().min(100).max(120_000).default(8_000).describe('nor later than this, where the target does not think longer.'),
  deadline_over_p99: z
    .number()
    .min(1)
    .max(20)
    .default(3)
    .describe('And it is waited for no longer than so many times what 99 of 100 took, where `first_token_ms` allows more.'),
  deadline_at_least_ms: z.int().min(100).max(120_000).default(4_000).describe('But always so long.'),
  retry_after_at_most_ms: z
    .int()
    .min(0)
    .max(60_000)
    .default(3_000)
    .describe('`Retry-After` up to this is waited out on the same target; a longer one means another target.'),
  retry_after_assumed_ms: z
    .int()
    .min(1_000)
    .max(600_000)
    .default(5_000)
    .describe(
      'What callers are told to wait where no target can answer for now and none said until when; so long an open target is left alone first.',
    ),
  open_after_ms: z
    .int()
    .min(0)
    .max(120_000)
    .default(3_000)
    .describe(
      'A stream whose first token takes longer than this is opened all the same, with status 200, and kept alive by comments while targets are still tried; a failure of all of them is then told in the stream. 0 for never.',
    ),
  keep_alive_ms: z
    .int()
    .min(0)
    .max(60_000)
    .default(10_000)
    .describe(
      'A stream that is open and silent gets a comment (or a ping, where that is the format) so often, as proxies close connections that say nothing; 0 for never.',
    ),
  drain_ms: z
    .int()
    .min(0)
    .max(25_000)
    .default(0)
    .describe(
      'A stream whose caller went away is read on for so long, for the counts at its end, where it is predicted to end within; else, and at 0, it is closed at once, which most providers stop billing for.',
    ),
  retry_share: share
    .default(0.1)
    .describe(
      'Calls to a target that just failed, as a share of the first calls to it; three in ten seconds are free. Beyond that the next target is asked.',
    ),
  cost_at_most_usd: z.number().positive().optional().describe('By estimate, for one request; a target that would cost more is refused.'),
  output_tokens_at_most: z
    .int()
    .min(16)
    .max(1_000_000)
    .optional()
    .describe(
      'The longest answer of a chat, thinking included: a request that sets no limit, or a higher one, is sent with this one in the field of its format, so that what a budget holds for it is the most it can cost.',
    ),
  output_tokens_assumed: z
    .int()
    .positive()
    .default(1_024)
    .describe('Length of the answer for estimates, where nothing better is known; nothing is sent to the target.'),
})
export type Limits = z.infer<typeof limits>

export const stay = z.strictObject({
  for_ms: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(300_000)
    .describe('So long after an answer its conversation counts as under way, and its prompt as cached there. 0 switches it off.'),
  margin: share
    .default(0.02)
    .describe(
      'By so much of a total (0 to 1) another target must be better, beyond what the prompt cache is worth, for a conversation to move.',
    ),
})

/** What a target is not to see: it gets placeholders, and the answer comes back with the values in their places. */
export const redaction = z.strictObject({
  to: selectors.describe('The targets that get placeholders.'),
  types: z
    .array(personalDataType)
    .min(1)
    .default([...PERSONAL_DATA_TYPES])
    .describe('The types of personal data that are hidden; all where absent.'),
})

/** A request in a few words, for a policy's own tests and for `signalbox policy explain`. */
export const sketch = z.strictObject({
  prompt: z.string().max(20_000),
  system: z.string().max(20_000).optional(),
  model: z.string().max(200).optional(),
  tools: z.int().min(0).max(200).optional(),
  image: z.boolean().optional(),
  stream: z.boolean().optional(),
  output_form: z.enum(['text', 'json_object', 'json_schema']).optional(),
  max_tokens: z.int().positive().optional(),
  prompt_tokens: z.int().positive().max(2_000_000).optional().describe('Pads the prompt with plain text to about this many tokens.'),
  caller: z
    .strictObject({
      org: z.string().optional(),
      team: z.string().optional(),
      tier: z.string().optional(),
      tags: z.array(z.string()).optional(),
    })
    .optional(),
  live: selectors.optional().describe('Targets that count as switched on; the whole catalogue but for the built-in demo where absent.'),
  down: z.array(z.string()).optional().describe('Targets that count as failing, and are left alone.'),
})
export type Sketch = z.infer<typeof sketch>

export const expectation = z.union([
  z.strictObject({ target: selector }),
  z.strictObject({ not_target: selector }),
  z.strictObject({ first_of: selectors }),
  z.strictObject({ refused: z.union([z.literal(true), z.string()]) }),
])

export type Expectation = z.infer<typeof expectation>

export const policyTest = z.strictObject({ name: z.string().min(1).max(120), request: sketch, expect: expectation, draw: share.optional() })
export type PolicyTest = z.infer<typeof policyTest>

/** A second call for a first token that is late. It costs the prompt twice, so it is off until a policy gives it a share. */
export const hedge = z.strictObject({
  share: share
    .default(0)
    .describe(
      'Of the requests, so many at most may be asked of a second target while the first is still silent; 0 for none, 0.05 is usual.',
    ),
  after: z
    .enum(['p90', 'p95', 'p99'])
    .default('p95')
    .describe('When a first token is overdue: by what was measured of the target, for prompts of this size. Without measurements, never.'),
  at_least_ms: z.int().min(50).max(60_000).default(300).describe('Never sooner than this.'),
  at_most_ms: z.int().min(50).max(60_000).default(8_000).describe('Never later than this.'),
  cost_at_most_usd: z
    .number()
    .positive()
    .optional()
    .describe(
      'By estimate, for the second call; a target whose price is unknown is then not asked. Both together keep the cost limits of the request.',
    ),
})
export type Hedge = z.infer<typeof hedge>

/**
 * What may be done for a stream that breaks off after its first token. Each way is taken only where it holds: `continue` on a target that
 * goes on from a trailing assistant message, `instruct` in prose, `restart` as long as the other answer is the same to the letter.
 */
export const rescue = z.strictObject({
  by: z
    .array(z.enum(['continue', 'instruct', 'restart']))
    .max(3)
    .default(['continue', 'restart'])
    .describe(
      '`continue`: another target goes on behind what was sent, where it takes an assistant message to go on from. `instruct`: it is told to go on, which most models do, not always without a seam. `restart`: it answers anew, and what it says is swallowed while it is letter for letter what was sent. In this order; an empty list for an error at once.',
    ),
  text_at_most_tokens: z.int().min(1).max(32_000).default(6_000).describe('An answer of more than this, by estimate, is not taken up.'),
})
export type Rescue = z.infer<typeof rescue>

/** Targets that sleep are kept awake by a short request of nobody's, once a minute at most, while they are used. */
export const warm = z.strictObject({
  targets: selectors.describe('Which are kept awake; of them only those that sleep are called.'),
  idle_ms: z
    .int()
    .min(60_000)
    .max(3_600_000)
    .default(240_000)
    .describe('How long they may be idle before they fall asleep, until that was learned from their answers.'),
  while_used_within_ms: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(3_600_000)
    .describe('Only those that answered within this time; and all of them while another target of the policy is shut.'),
  requests_per_day: z.int().min(0).max(10_000).default(100).describe('Pings in a day (UTC), over all targets of the policy.'),
  cost_per_day_usd: z
    .number()
    .min(0)
    .max(1_000)
    .default(0.1)
    .describe('What they may cost in a day. A target whose price is not known is not called.'),
})
export type Warm = z.infer<typeof warm>

/**
 * A request that its caller sends again, because the answer got lost on the way, is not done again where both carry the same
 * `Idempotency-Key`. What was answered is a fact and is kept; the answer itself is somebody's text and is kept only on request.
 */
export const idempotency = z.strictObject({
  for_ms: z
    .int()
    .min(0)
    .max(7 * 86_400_000)
    .default(86_400_000)
    .describe('So long after its answer an `Idempotency-Key` counts as used; 0 ignores the header.'),
  keep_answers: z
    .boolean()
    .default(false)
    .describe(
      'Keeps whole answers as long, encrypted under a key that only the same request can make, and gives them again. Without, a repeated request is told that it was answered.',
    ),
  answer_at_most_bytes: z
    .int()
    .min(1_024)
    .max(1_000_000)
    .default(262_144)
    .describe('A longer answer is not kept. The keys of one organisation together keep 64 MB, the newest.'),
})
export type Idempotency = z.infer<typeof idempotency>

export const policy = z.strictObject({
  name: policyName.describe('As in `policy/<name>`, which callers write as the model.'),
  description: z.string().max(500).default(''),
  objective: objective.describe('What is good, as weights: only their proportions count.'),
  targets: selectors.optional().describe('Which targets take part at all; all of the catalogue that is switched on where absent.'),
  require: requirement.default({}).describe('What must hold for every target on every edge: first choice, failover, shadow.'),
  groups: z
    .record(policyName, selectors)
    .default({})
    .describe('Names for sets of targets, usable as `model`, in rules and in selectors as `group:<name>`.'),
  rules: z
    .array(rule)
    .max(100)
    .default([])
    .describe('Looked at from top to bottom; every one that matches counts, until one that is `last`.'),
  slow_penalty: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      'Taken from the total of a target that is flagged as slow against its own past (`health.slow` of the default policy), beyond what its latency costs it.',
    ),
  limits: limits.default(limits.parse({})).describe('Bounds on time, tries and money.'),
  hedge: hedge
    .default(hedge.parse({}))
    .describe('A second call, to another provider, for a first token that is late; whoever begins first answers.'),
  rescue: rescue
    .default(rescue.parse({}))
    .describe('What is done for a stream that breaks off after its first token, within the same limits; else it ends in an error.'),
  explore: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      'Share of requests that go to another eligible target than the best, in proportion to score, so that choices can be judged later.',
    ),
  stay: stay
    .default(stay.parse({}))
    .describe('Conversations stay with the target that answered last, unless another one is better by more than it costs to move.'),
  redact: z
    .array(redaction)
    .max(20)
    .default([])
    .describe(
      'Personal data that leaves as placeholders and comes back in the answer, streams and arguments of tools included; of chats. Pictures, sound and files are not looked into.',
    ),
  strict: z.boolean().default(false).describe('Nothing may be lost in translation, for any request.'),
  stream_usage: z
    .enum(['as_asked', 'always'])
    .default('as_asked')
    .describe('Ask providers for a usage event on streams whose caller did not, and take it out of the reply again.'),
  durable_before_dispatch: z
    .boolean()
    .default(false)
    .describe('Wait for the durable intent before calling anyone, even where no hard budget applies.'),
  idempotency: idempotency
    .default(idempotency.parse({}))
    .describe('What comes of a request that is sent again with the same `Idempotency-Key`.'),
  health: healthRules
    .default(healthRules.parse({}))
    .describe(
      'How targets are judged: when one is left alone, how it comes back, what is slow. Of the policy named `default` alone, as all who call a target share what is known of it.',
    ),
  warm: warm.optional().describe('Keeps targets awake that fall asleep when they are not used. Nothing is called where it is absent.'),
  tests: z.array(policyTest).max(200).default([]).describe('Run before the policy is accepted.'),
})
export type Policy = z.infer<typeof policy>
