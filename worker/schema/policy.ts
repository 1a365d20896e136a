/**
 * A policy: what an operator wants, in one document. It is strict: an unknown key is refused, so that a typing error is
 * seen when it is written and not at three in the morning.
 *
 * `objective` weighs what is good; `require` says what must hold on every edge (first choice, failover, hedge); `rules`
 * look at one request and narrow, require, reweigh, pin, split, shadow or refuse; `limits` bound time, tries and money.
 */
import * as z from 'zod'
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
  /** Inference stays in one of these regions: every region the target may use must be listed. `local` is always inside. */
  regions: z.array(z.string().max(30)).min(1).optional(),
  retention_days_at_most: z.int().min(0).optional(),
  no_training: z.literal(true).optional(),
  certifications: z.array(z.string().max(60)).min(1).optional(),
  providers: z.array(z.string().max(40)).min(1).optional(),
  not_providers: z.array(z.string().max(40)).min(1).optional(),
  targets: selectors.optional(),
  not_targets: selectors.optional(),
  quality_at_least: share.optional(),
  /** USD for the whole request, by estimate. */
  cost_at_most_usd: z.number().positive().optional(),
  first_token_at_most_ms: z.int().positive().optional(),
  energy_at_most_wh: z.number().positive().optional(),
  context_tokens_at_least: z.int().positive().optional(),
  readiness: z.enum(['always_warm', 'serverless']).optional(),
  /** Nothing may be lost in translation: a target whose dialect cannot carry the request is refused, naming the field. */
  lossless: z.literal(true).optional(),
})
export type Requirement = z.infer<typeof requirement>

/** What a rule does, one thing each. */
export const action = z.union([
  z.strictObject({ narrow: selectors }),
  z.strictObject({ require: requirement }),
  z.strictObject({ reweigh: objective }),
  z.strictObject({ pin: selector }),
  z.strictObject({
    split: z
      .array(z.strictObject({ to: selector, weight: z.number().positive().max(1000) }))
      .min(2)
      .max(20),
  }),
  z.strictObject({ shadow: z.strictObject({ to: selector, share }) }),
  z.strictObject({ refuse: z.string().min(1).max(300) }),
])
export type Action = z.infer<typeof action>

export const rule = z.strictObject({
  name: z.string().min(1).max(80),
  /** A CEL expression over the variables of `core/decide/variables.ts`, giving a bool. */
  when: z.string().min(1).max(2000),
  do: action,
  /** Stop looking at later rules once this one matched. */
  last: z.boolean().default(false),
})
export type Rule = z.infer<typeof rule>

export const limits = z.strictObject({
  /** Calls for one request, over all targets. */
  attempts: z.int().min(1).max(5).default(3),
  attempts_per_target: z.int().min(1).max(3).default(2),
  /** To the response headers; a non-streamed answer sends them only when it is whole, so `total_ms` bounds it instead. */
  headers_ms: z.int().min(100).max(120_000).default(seconds30),
  first_token_ms: z.int().min(100).max(120_000).default(12_000),
  /** Between two events of a stream. */
  idle_ms: z.int().min(100).max(120_000).default(15_000),
  total_ms: z.int().min(100).max(900_000).default(300_000),
  /** `Retry-After` up to this is waited out on the same target; a longer one means another target. */
  retry_after_at_most_ms: z.int().min(0).max(60_000).default(3_000),
  cost_at_most_usd: z.number().positive().optional(),
  /** Where the caller set none, this many output tokens are assumed for estimates; nothing is sent to the target. */
  output_tokens_assumed: z.int().positive().default(1_024),
})
export type Limits = z.infer<typeof limits>

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
  /** Pads the prompt with plain text to about this many tokens. */
  prompt_tokens: z.int().positive().max(2_000_000).optional(),
  caller: z
    .strictObject({
      org: z.string().optional(),
      team: z.string().optional(),
      tier: z.string().optional(),
      tags: z.array(z.string()).optional(),
    })
    .optional(),
  /** Targets that count as switched on; the whole catalogue but for the built-in demo where absent. */
  live: selectors.optional(),
  /** Targets that count as open (left alone) in this test. */
  down: z.array(z.string()).optional(),
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

export const policy = z.strictObject({
  name: policyName,
  description: z.string().max(500).default(''),
  objective,
  /** Which targets take part at all; all of the catalogue that is switched on where absent. */
  targets: selectors.optional(),
  require: requirement.default({}),
  /** Names for sets of targets, usable as `model`, in rules and in selectors as `group:<name>`. */
  groups: z.record(policyName, selectors).default({}),
  rules: z.array(rule).max(100).default([]),
  limits: limits.default(limits.parse({})),
  /** Share of requests that go to another eligible target than the best, in proportion to score, so that choices can be judged later. */
  explore: z.number().min(0).max(0.5).default(0),
  /** `strict`: as `require: lossless` for every request. */
  strict: z.boolean().default(false),
  /** Ask providers for a usage event on streams whose caller did not, and take it out of the reply again. */
  stream_usage: z.enum(['as_asked', 'always']).default('as_asked'),
  /** Wait for the durable intent before calling anyone, even where no hard budget applies. */
  durable_before_dispatch: z.boolean().default(false),
  tests: z.array(policyTest).max(200).default([]),
})
export type Policy = z.infer<typeof policy>
