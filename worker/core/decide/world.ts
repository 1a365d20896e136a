/**
 * Everything a decision looks at besides the request, taken at one moment: the switched-on targets with what can be
 * computed ahead, the compiled policy, health, the caller, the clock and one draw. With the same world and request,
 * `decide` gives the same plan, today or in a replay.
 */
import type { Caller } from '../../schema/caller.ts'
import type { Price, Provider, Target, Terms } from '../../schema/catalogue.ts'
import type { DialectName, Loss } from '../../schema/chat.ts'
import type { Refusal } from '../../schema/decision.ts'
import type { EndpointName, PassedEndpoint } from '../../schema/endpoint.ts'
import type { Modality } from '../../schema/features.ts'
import type { HealthSnapshot } from '../../schema/health.ts'
import type { DecisionId, PolicyName, PolicyVersion, TargetId } from '../../schema/ids.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Ms, Tokens, Wh } from '../../schema/units.ts'
import type { Result } from '../result.ts'
import type { Conversation } from './conversation.ts'
import type { Parameters } from './parameters.ts'

/** A target that is switched on, with its address resolved and its priors laid out for reading by index. */
export type LiveTarget = {
  id: TargetId
  target: Target
  provider: Provider
  /** Where a call goes, base address and path joined; a target that serves several endpoints is in the catalogue of each. */
  chat_url: string
  /** The same for a stream. */
  stream_url: string
  /** Request fields it wants otherwise; null where it takes them as its dialect has them. */
  parameters: Parameters | null
  terms: Terms
  readiness: 'always_warm' | 'serverless'
  /** Input and output modalities as bits, in the order of `MODALITIES`. */
  input_mask: number
  output_mask: number
  /** By index in `TASKS`: prior quality and its doubt, already shrunk toward the target's overall figure. */
  quality: Float64Array
  quality_uncertainty: Float64Array
  /** The price in force when the catalogue was compiled, and when the next one begins (Infinity where none is known). */
  price: Price | null
  price_until_ms: Ms
  first_token_ms: Ms
  tokens_per_second: number
  /** Whole-chain estimate; null where the parameters are unknown. */
  wh_per_output_token: Wh | null
  wh_per_input_token: Wh | null
  /** Of the electricity where inference runs; null where it is the operator's own. */
  grid_kg_co2e_per_kwh: number | null
}

export type LiveCatalogue = {
  /** First 16 hex digits of the SHA-256 of the catalogue's text, with the names of what is switched on. */
  version: string
  targets: LiveTarget[]
  by_id: Map<TargetId, LiveTarget>
  /** Plain model names and aliases to the targets that serve them, in lower case. */
  by_name: Map<string, LiveTarget[]>
  /** What is off, and what would switch it on. */
  off: { provider: string; targets: number; how_to_enable: string }[]
  /** Those who serve another endpoint than chat, a catalogue each: a chat request never looks at them, nor they at it. */
  serving: ReadonlyMap<PassedEndpoint, LiveCatalogue>
  /** The catalogues of every endpoint, chat and this one among them: looked into only to say where a name is served that is not here. */
  everywhere: ReadonlyMap<EndpointName, LiveCatalogue>
}

/** What a request to another endpoint than chat asks of a target, beyond what its features say. */
export type Asks = {
  endpoint: PassedEndpoint
  output: Modality
  /** Of the longest single input: a batch of texts need not fit a window together. */
  window_tokens: Tokens
  suits(target: LiveTarget): Refusal | null
}

/** A rule's condition, compiled once when the policy was loaded. An expression that fails at run time says why; such a rule does not match. */
export type CompiledRule = { matches(variables: Record<string, unknown>): Result<boolean, string> }

export type CompiledPolicy = {
  policy: Policy
  version: PolicyVersion
  rules: CompiledRule[]
  /** A rule or what is hidden refers to personal data, so names are looked for. */
  reads_names: boolean
}

export type World = {
  catalogue: LiveCatalogue
  policy: CompiledPolicy
  /** Names of the other policies the caller may write, for `near` on an unknown model. */
  policy_names: PolicyName[]
  /** Never changed once it is made: what is new is in a new one. */
  health: HealthSnapshot
  /** Open targets this isolate holds the lease to try once; where absent, any whose `until_ms` has passed may be tried. */
  probes?: ReadonlySet<TargetId>
  /** Wire formats this router can write; a target of another one is refused for its dialect. */
  codecs: ReadonlySet<DialectName>
  /** What this request would lose on the way to a target, by its dialect or by fields it refuses. */
  losses(target: LiveTarget): Loss[]
  asks?: Asks
  /** The request goes on from an answer that this target keeps: nobody else can. */
  keeper?: TargetId
  /** The caller has used up its share of dear targets: whose output costs more than this is not eligible. */
  too_dear_above_micros_per_mtok?: number
  caller: Caller
  /** What this isolate remembers of the conversation; absent where it is new, or another isolate's. */
  conversation?: Conversation
  now_ms: Ms
  draw: number
  decision_id: DecisionId
  endpoint: string
}
