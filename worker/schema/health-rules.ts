/**
 * The numbers by which targets are judged: when a gate opens, how it comes back, what is slow. They are a policy's section `health`,
 * of the policy named `default` alone: a gate is shared by all who call its target, so there can be one set of them only.
 *
 * The defaults were measured (`npm run simulate:report`, `simulate:alarms`: test/simulate/RESULTS.md and ALARMS.md say what they come to), and each bound is as
 * far as the mechanism still makes sense. What is not here is no matter of taste: how many things are kept in memory, how isolates, relays and
 * objects talk to each other (they must agree, across versions), and in which buckets stored counts are.
 */
import * as z from 'zod'

/** Whose `health` governs. */
export const GOVERNING_POLICY = 'default'

const share = (usual: number) => z.number().min(0).max(1).default(usual)
const ms = (least: number, most: number, usual: number) => z.int().min(least).max(most).default(usual)
const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000]

const open = z
  .strictObject({
    backoff_first_ms: ms(500, 10 * MINUTE, 5_000).describe(
      'An open target is left alone for so long, give or take `jitter`, before it is probed.',
    ),
    backoff_at_most_ms: ms(500, HOUR, 15_000).describe(
      'And for no longer than this, however often its probes fail: with a cap of 60 s recovery was found after 57 s at p99, with 15 s in half a minute.',
    ),
    backoff_growth: z.number().min(1).max(4).default(1.5).describe('The wait after each failed probe, as a multiple of the one before.'),
    jitter: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.2)
      .describe('Waits vary by this share either way, so that gates which opened together do not probe together.'),
  })
  .refine(each => each.backoff_first_ms <= each.backoff_at_most_ms, {
    path: ['backoff_at_most_ms'],
    error: 'it is less than backoff_first_ms',
  })

const probe = z.strictObject({
  lease_ms: ms(SECOND, 5 * MINUTE, 15_000).describe('A probe of which nothing is heard for so long has failed; then the next may be sent.'),
  lease_unused_ms: ms(SECOND, MINUTE, 3_000).describe('A lease that no request came to use within this time goes to whoever asks next.'),
  answers: z.int().min(1).max(20).default(2).describe('So many probes must be answered before requests come back.'),
})

const ramp = z.strictObject({
  for_ms: ms(SECOND, HOUR, 30_000).describe('Requests come back slowly, over this time.'),
  from_share: share(0.1).describe('It begins with this share of them.'),
  trust: z.number().min(0.05).max(1).default(0.5).describe('Meanwhile it opens at this share of the evidence that opens it otherwise.'),
})

const wary = z.strictObject({
  trust: z
    .number()
    .min(0.05)
    .max(1)
    .default(6 / 11)
    .describe('While its neighbours fail, a target opens at this share of the evidence: after three failures in a row, not four.'),
  for_ms: ms(SECOND, HOUR, 30_000).describe('For so long.'),
  together_ms: ms(100, 5 * MINUTE, 10_000).describe('Neighbours fail where two targets of one provider open within this time.'),
  regions: z.int().min(1).max(9).default(2).describe('Or where the target itself is shut in so many other regions.'),
})

const rate_limit = z
  .strictObject({
    wait_first_ms: ms(0, 10 * MINUTE, 2_000).describe(
      'Where a rate limit names no time: a random wait up to this, doubled for each limit in a row.',
    ),
    wait_at_most_ms: ms(0, HOUR, 60_000).describe('And up to this at most.'),
    retry_after_at_most_ms: ms(SECOND, HOUR, HOUR).describe(
      'A provider that asks for a longer wait is believed for so long, then asked again.',
    ),
  })
  .refine(each => each.wait_first_ms <= each.wait_at_most_ms, { path: ['wait_at_most_ms'], error: 'it is less than wait_first_ms' })

const credential = z.strictObject({
  retry_after_ms: ms(SECOND, DAY, 300_000).describe(
    'A refused credential is tried again after this, in case it was mended at the provider.',
  ),
})

const sum = (broken_share: number, open_at: number, half_life_ms: number) =>
  z.strictObject({
    broken_share: z
      .number()
      .min(0.05)
      .max(0.95)
      .default(broken_share)
      .describe('Of its requests, what a target fails that this sum is to find.'),
    open_at: z
      .number()
      .min(2)
      .max(100)
      .default(open_at)
      .describe('The evidence, in nats, that opens the gate. Lower finds it sooner and is wrong more often.'),
    half_life_ms: ms(SECOND, DAY, half_life_ms).describe('Half of the evidence is forgotten in this time.'),
  })
export const fastSum = sum(0.5, 10, 120_000)
export const slowSum = sum(0.15, 9, 600_000)

const healthy = z
  .strictObject({
    share_at_least: z
      .number()
      .min(0.001)
      .max(0.3)
      .default(0.02)
      .describe('A healthy target fails no less than this, however it was in the last hour.'),
    share_at_most: z.number().min(0.001).max(0.3).default(0.08).describe('Nor more than this.'),
    margin: z.number().min(1).max(3).default(1.2).describe('It may fail so many times what it failed in its last hour.'),
    assumed_share: share(0.02).describe('Of one that is not yet known this is assumed,'),
    assumed_requests: z.int().min(1).max(10_000).default(50).describe('with the weight of so many requests.'),
    half_life_ms: ms(MINUTE, 7 * DAY, HOUR).describe('"The last hour": half of what is normal is forgotten in this time.'),
    broken_ratio: z
      .number()
      .min(1.5)
      .max(20)
      .default(3)
      .describe('A broken target fails at least so many times as often as a healthy one, or the two could not be told apart.'),
  })
  .refine(each => each.share_at_least <= each.share_at_most, { path: ['share_at_most'], error: 'it is less than share_at_least' })

const suspicion = z.strictObject({
  fast: fastSum.default(fastSum.parse({})).describe('Finds a target that fails half of its requests or all: four failures in a row.'),
  slow: slowSum.default(slowSum.parse({})).describe('Finds one that fails one in seven.'),
  healthy: healthy.default(healthy.parse({})).describe('What is normal, which each target teaches itself.'),
  row_length: z.int().min(2).max(100).default(5).describe('Failures in a row, however far apart, that open the gate.'),
  row_gap_ms: ms(SECOND, DAY, 600_000).describe('A longer gap begins a new row.'),
  tenant_share: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.52)
    .describe("One tenant's part of what opens the gate, while others are served; above a half, two who always fail open it."),
  tenant_row: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe('A tenant that fails this often in a row, while others are answered in between, fails by its own doing.'),
  served_just_now_ms: ms(100, 10 * MINUTE, 5_000).describe('Others are served: sent so lately and answered.'),
  served_ms: ms(100, HOUR, 30_000).describe('Or sent since this tenant began to fail, and within this time.'),
  unconfirmed_weight: share(0.35).describe(
    "A failure that may be the request's own doing counts so much, until another target answers the request, or another tenant fails too.",
  ),
  confirm_ms: ms(100, HOUR, 30_000).describe('That other tenant must have failed within this time.'),
})

const surge = z.strictObject({
  settled_after_ms: ms(0, 10 * MINUTE, 20_000).describe(
    'When requests have moved to a target, those of which nothing was heard count as answered for so long; 0 for never.',
  ),
  settled_share: z.number().min(0.05).max(1).default(0.5).describe('Or until this share of them was heard of.'),
  usual_half_life_ms: ms(100, 10 * MINUTE, 5_000).describe('What is usually under way is learned with this half-life.'),
})

const latency = z.strictObject({
  half_life_ms: ms(SECOND, HOUR, MINUTE).describe('Of the means of first token and speed by which targets are ranked.'),
  usual_half_life_ms: ms(MINUTE, 7 * DAY, HOUR).describe('Of the long run against which slow is judged.'),
  spread_half_life_ms: ms(MINUTE, 7 * DAY, 30 * MINUTE).describe('Of the quantiles from which deadlines are learned.'),
})

const slow = z
  .strictObject({
    clip: z.number().min(1).max(10).default(2.5).describe('A first token counts as at most so many standard deviations later than usual.'),
    allowance: z.number().min(0).max(3).default(0.75).describe('And as slow only beyond so many.'),
    at: z
      .number()
      .min(1)
      .max(100)
      .default(6)
      .describe('The sum of them at which a target is slow: a threefold slow-down in about ten requests, and 33 false in a million.'),
    until: z.number().min(0).max(100).default(2).describe('It is slow until the sum has fallen to this.'),
    at_most: z.number().min(1).max(200).default(12).describe('The sum stops here, so that recovery takes a bounded number of requests.'),
  })
  .refine(each => each.until < each.at && each.at <= each.at_most, {
    path: ['at'],
    error: 'it must be above until, and at_most no less than it',
  })

const cold_start = z.strictObject({
  ratio: z
    .number()
    .min(1.5)
    .max(20)
    .default(3)
    .describe('A first token after an idle time that took so many times the usual was a cold start,'),
  at_least_ms: ms(0, MINUTE, 500).describe('where that is so much longer at least.'),
})

const stale = z.strictObject({
  after_ms: ms(10 * SECOND, HOUR, MINUTE).describe('A snapshot that nobody has renewed for so long says no longer who is open,'),
  share: share(0.5).describe('and this share of requests may find out.'),
})

export const healthRules = z.strictObject({
  suspicion: suspicion.default(suspicion.parse({})).describe('What opens a gate.'),
  open: open.default(open.parse({})).describe('How long an open target is left alone.'),
  probe: probe.default(probe.parse({})).describe('The one live request that finds out whether it answers again.'),
  ramp: ramp.default(ramp.parse({})).describe('How requests come back.'),
  wary: wary.default(wary.parse({})).describe('When a target is trusted less for what happens elsewhere.'),
  surge: surge.default(surge.parse({})).describe('When many requests come to a target at once.'),
  rate_limit: rate_limit.default(rate_limit.parse({})).describe('How long a limited target is left alone.'),
  credential: credential.default(credential.parse({})).describe('When our credential was refused.'),
  latency: latency.default(latency.parse({})).describe('How fast what was measured is forgotten.'),
  slow: slow.default(slow.parse({})).describe('What is slow: a penalty in the choice, and never a reason to leave a target.'),
  cold_start: cold_start.default(cold_start.parse({})).describe('What counts as a cold start of a target that sleeps.'),
  stale: stale.default(stale.parse({})).describe('What an isolate believes that hears nothing any more.'),
})
export type HealthRules = z.infer<typeof healthRules>

/** By which a policy goes that says nothing of it. */
export const USUAL_HEALTH: HealthRules = healthRules.parse({})

/** The rules that somebody tells or has stored; null for what this version cannot read. One object for the usual ones, so that they are known at sight. */
export function rulesFrom(value: unknown): HealthRules | null {
  const { success, data } = healthRules.safeParse(value)
  if (!success) return null
  return JSON.stringify(data) === JSON.stringify(USUAL_HEALTH) ? USUAL_HEALTH : data
}
