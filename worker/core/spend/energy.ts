/**
 * How much energy a token takes, as an estimate for ordering targets and for showing orders of magnitude; never a meter
 * reading. Of one chain only the first link differs between models:
 *
 *   accelerator joules per output token  x  (1 + share of the rest of the server)  x  PUE of the data centre
 *
 * The first link is measured where a benchmark has the model (ML.ENERGY, H100, batch about 64). Else it is a power law
 * fitted to that benchmark's 12 models, within 1.5 x on 10 of them, in and out of sample, and 3 x on the worst. Closed
 * models do not say their size; then the catalogue's confidence says `guess`. Print it with a band of a factor of two.
 *
 * EcoLogits' formula was the alternative: within 2 x on 10 of the same 12, but off by 0.36 x and 2.5 x on the largest.
 */
import type { Catalogue, Provider, Target } from '../../schema/catalogue.ts'
import type { Tokens, Wh } from '../../schema/units.ts'

/** Joules per token = COEFFICIENT x active^ACTIVE x total^TOTAL, parameters in billions. */
const LAW = { coefficient: 0.0231, active: 0.194, total: 0.63 }

/** Processors, memory and network beside the accelerators, as a share of these: 25 to 58 in Google's breakdown of 2025. */
const SERVER_SHARE = 25 / 58

/** Where a provider does not say its PUE: the highest of those that do (1.09 to 1.20), so that silence is not rewarded. */
const PUE_ASSUMED = 1.2

/**
 * Reading a prompt is bound by arithmetic, and not by memory as writing is: 2 operations per active parameter and token, on
 * an accelerator that does about 4e14 of them a second (40 % of an H100's peak) at 700 W. That makes 0.0035 J per billion
 * active parameters: a quarter of a written token for dense models (8B .028 to .119, 70B .25 to .80), less for sparse ones.
 */
const READ_J_PER_ACTIVE_B = (2e9 / 4e14) * 700

/** The same quarter, where the parameters are unknown and only a measurement of writing is there. */
const READ_SHARE_ASSUMED = 0.25

const J_PER_WH = 3600

/** Whole-chain energy of one token read and one token written; null where neither size nor measurement is known. */
export function whPerToken(target: Pick<Target, 'energy'>, provider: Pick<Provider, 'pue'>): { input: Wh | null; output: Wh | null } {
  const { active_params_b, total_params_b, measured_j_per_token } = target.energy
  const active_b = active_params_b ?? total_params_b
  const total_b = total_params_b ?? active_params_b
  const byLaw = active_b === null || total_b === null ? null : LAW.coefficient * active_b ** LAW.active * total_b ** LAW.total
  const write_j = measured_j_per_token ?? byLaw
  if (write_j === null) return { input: null, output: null }

  const read_j = active_b === null ? write_j * READ_SHARE_ASSUMED : Math.min(write_j, active_b * READ_J_PER_ACTIVE_B)
  const chain = ((1 + SERVER_SHARE) * (provider.pue ?? PUE_ASSUMED)) / J_PER_WH
  return { input: read_j * chain, output: write_j * chain }
}

/**
 * Carbon intensity of the electricity that inference runs on: what the provider says of itself, else that of its region; of several
 * regions the dirtiest, as it may be any of them. The world's where the region is anywhere or unknown to the table; null for the
 * operator's own machine, of which nobody here knows.
 */
export function gridOf(
  provider: Pick<Provider, 'grid_kg_co2e_per_kwh'>,
  regions: readonly string[],
  grids: Catalogue['grids'],
): number | null {
  if (provider.grid_kg_co2e_per_kwh !== null) return provider.grid_kg_co2e_per_kwh
  if (regions.includes('local')) return null
  const world = grids.global?.kg_co2e_per_kwh ?? null
  const known = regions.map(region => grids[region]?.kg_co2e_per_kwh ?? world)
  return known.some(each => each === null) ? null : Math.max(...known.filter(each => each !== null))
}

/** Energy of a request; null where the target's is unknown. Called once per target and request, so it allocates nothing. */
export function energyOf(
  target: { wh_per_input_token: Wh | null; wh_per_output_token: Wh | null },
  input_tokens: Tokens,
  output_tokens: Tokens,
): Wh | null {
  const { wh_per_input_token, wh_per_output_token } = target
  if (wh_per_input_token === null || wh_per_output_token === null) return null
  return input_tokens * wh_per_input_token + output_tokens * wh_per_output_token
}
