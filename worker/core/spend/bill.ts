/**
 * What a request cost in the end, over every call that was made for it: money, energy and carbon, and how sure each is.
 *
 * A call that was given up (too slow, broken off, not needed any more) has read its prompt and written what it wrote, whether or
 * not it said so; most providers bill that. So where it told nothing, the prompt is priced by estimate and the sum is marked as an
 * estimate: it is neither nothing nor unknown. A call that was refused, or never arrived, is billed by nobody.
 */
import { type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import type { OutcomeClass } from '../../schema/health.ts'
import type { EnergyConfidence, Gco2e, Micros, Tokens, Wh } from '../../schema/units.ts'
import type { AttemptRecord } from '../../schema/usage.ts'
import type { LiveTarget } from '../decide/world.ts'
import { energyOf } from './energy.ts'
import { costOf, mayCostLess, priceAt } from './price.ts'

export type Bill = {
  /** Null as soon as any part of it is unknown. */
  cost_micros: Micros | null
  /** Some of it rests on counts of ours and not of the provider's, or is the most that it may be. */
  cost_estimated: boolean
  energy_wh: Wh | null
  co2e_g: Gco2e | null
  /** Of the least sure part; null where energy is unknown. */
  energy_confidence: EnergyConfidence | null
}

const UNBILLED: ReadonlySet<OutcomeClass> = new Set(['connection', 'server', 'rate', 'auth', 'gone', 'client', 'garbage'])
/** From the surest to the least sure. */
const CONFIDENCES: readonly EnergyConfidence[] = ['measured', 'disclosed', 'guess']

/** `prompt_tokens`: by estimate, for calls that told nothing; null where nobody can say what such a call reads. */
export function billOf(
  attempts: readonly AttemptRecord[],
  targetOf: (id: string) => LiveTarget | undefined,
  prompt_tokens: Tokens | null,
): Bill {
  const bill: Bill = { cost_micros: 0, cost_estimated: false, energy_wh: 0, co2e_g: 0, energy_confidence: null }
  for (const attempt of attempts) {
    if (attempt.usage === null && UNBILLED.has(attempt.class)) continue
    const target = targetOf(attempt.target)
    const usage = attempt.usage ?? readOnly(prompt_tokens)
    if (attempt.usage === null || attempt.usage_estimated) bill.cost_estimated = true
    const price = target ? priceThen(target, attempt.sent_at_ms) : null
    const cost = usage && costOf(usage, price)
    if (usage && mayCostLess(usage, price)) bill.cost_estimated = true
    bill.cost_micros = sum(bill.cost_micros, cost)
    const wh = usage && target ? energyOfUsage(usage, target) : null
    bill.energy_wh = sum(bill.energy_wh, wh)
    // Watt-hours times kilograms a kilowatt-hour are grams.
    bill.co2e_g = sum(bill.co2e_g, wh === null || target?.grid_kg_co2e_per_kwh == null ? null : wh * target.grid_kg_co2e_per_kwh)
    bill.energy_confidence = lessSure(bill.energy_confidence, target?.target.energy.confidence ?? 'guess')
  }
  if (bill.energy_wh === null) bill.energy_confidence = null
  return bill
}

/** A price holds from its day on; what was sent before midnight is paid at yesterday's. */
function priceThen(target: LiveTarget, sent_at_ms: number) {
  return target.target.prices.length > 1 ? priceAt(target.target.prices, sent_at_ms).price : target.price
}

const readOnly = (prompt_tokens: Tokens | null): TokenUsage | null =>
  prompt_tokens === null ? null : { ...UNKNOWN_USAGE, input_tokens: Math.round(prompt_tokens), output_tokens: 0 }

const energyOfUsage = ({ input_tokens, output_tokens }: TokenUsage, target: LiveTarget): Wh | null =>
  input_tokens === null || output_tokens === null ? null : energyOf(target, input_tokens, output_tokens)

const sum = (before: number | null, more: number | null): number | null => (before === null || more === null ? null : before + more)

const lessSure = (before: EnergyConfidence | null, other: EnergyConfidence): EnergyConfidence =>
  before === null || CONFIDENCES.indexOf(other) > CONFIDENCES.indexOf(before) ? other : before
