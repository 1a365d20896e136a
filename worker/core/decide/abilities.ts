/**
 * What a request needs and a target can, as bits: one AND tells whether anything is missing, and only then is it asked what.
 * A hundred targets cost a hundred ANDs.
 */
import type { ChatRequest } from '../../schema/chat.ts'
import type { Refusal, RefusalReason } from '../../schema/decision.ts'
import { type Features, MODALITIES, type Modality } from '../../schema/features.ts'
import type { LiveTarget } from './world.ts'

const MODALITY_BITS = MODALITIES.length
const OUTPUT = MODALITY_BITS
const TOOLS = 1 << (2 * MODALITY_BITS)
const JSON_OBJECT = TOOLS << 1
const JSON_SCHEMA = TOOLS << 2
const STREAMING = TOOLS << 3
const LOGPROBS = TOOLS << 4
const CHOICES = TOOLS << 5
const REASONING = TOOLS << 6

const AUDIO = 1 << MODALITIES.indexOf('audio')

export function abilitiesOf({ target, input_mask, output_mask }: LiveTarget): number {
  const { capability } = target
  let bits = input_mask | (output_mask << OUTPUT)
  if (capability.tools) bits |= TOOLS
  if (capability.structured_output !== 'none') bits |= JSON_OBJECT
  if (capability.structured_output === 'json_schema') bits |= JSON_SCHEMA
  if (capability.streaming) bits |= STREAMING
  if (capability.logprobs) bits |= LOGPROBS
  if (capability.choices) bits |= CHOICES
  if (capability.reasoning) bits |= REASONING
  return bits
}

export function needsOf(features: Features, request: ChatRequest, output: Modality = 'text'): number {
  let bits = (1 << MODALITIES.indexOf(output)) << OUTPUT
  for (const modality of features.input_modalities) bits |= 1 << MODALITIES.indexOf(modality)
  // OpenAI's own field for a spoken answer, which the neutral form carries as it came.
  const spoken = request.extra.modalities
  if (Array.isArray(spoken) && spoken.includes('audio')) bits |= AUDIO << OUTPUT
  if (features.tools > 0) bits |= TOOLS
  if (features.output_form === 'json_object') bits |= JSON_OBJECT
  if (features.output_form === 'json_schema') bits |= JSON_SCHEMA
  if (features.streaming) bits |= STREAMING
  if (features.logprobs) bits |= LOGPROBS
  if (features.choices > 1) bits |= CHOICES
  // A model that does not reason answers a reasoning parameter with a 400, so this is no matter of taste.
  if (features.reasoning_requested) bits |= REASONING
  return bits
}

const REASONS: [bit: number, reason: RefusalReason, need: string][] = [
  [TOOLS, 'tools', 'tools'],
  [JSON_SCHEMA, 'structured_output', 'json_schema'],
  [JSON_OBJECT, 'structured_output', 'json_object'],
  [STREAMING, 'streaming', 'stream'],
  [LOGPROBS, 'logprobs', 'logprobs'],
  [CHOICES, 'choices', 'more than one choice'],
  [REASONING, 'reasoning', 'reasoning'],
]

/** The first thing that is missing; modalities first, since without them the request cannot even be read. */
export function missing(needs: number, abilities: number): Refusal | null {
  const lacks = needs & ~abilities
  return lacks === 0 ? null : (refusals.get(lacks) ?? remember(lacks))
}

function remember(lacks: number): Refusal {
  const refusal = describe(lacks)
  refusals.set(lacks, refusal)
  return refusal
}

/** One object for each combination, so that refusing allocates nothing; there are at most 2^17, in practice a dozen. */
const refusals = new Map<number, Refusal>()

function describe(lacks: number): Refusal {
  for (let i = 0; i < MODALITY_BITS; i++) {
    if (lacks & (1 << i)) return { reason: 'modality', need: MODALITIES[i] }
    if (lacks & (1 << (i + OUTPUT))) return { reason: 'output_modality', need: MODALITIES[i] }
  }
  const [, reason, need] = REASONS.find(([bit]) => lacks & bit) ?? [0, 'excluded' as const, '']
  return { reason, need }
}
