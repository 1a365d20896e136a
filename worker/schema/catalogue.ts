/**
 * The catalogue: providers and their targets, as data. Shared code never asks who a provider is; it asks for a property
 * declared here. A new provider of a known dialect is an entry and no code.
 *
 * Unknown is not zero and not false: what a source does not say is `null`.
 */
import * as z from 'zod'
import { DIALECTS } from './chat.ts'
import { endpointName, passedEndpoint } from './endpoint.ts'
import { modality, task } from './features.ts'
import { providerId, targetId } from './ids.ts'

const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'a variable or secret name is UPPER_SNAKE')
const date = z.iso.date()
/** Where a figure comes from: a vendor page or paper, and the day it was read or published. */
export const sourceFacts = z.strictObject({ name: z.string(), url: z.string().optional(), as_of: date })
export type SourceFacts = z.infer<typeof sourceFacts>
/** A name in the catalogue's `sources`, so that what a hundred figures share is written once; or the facts in place. */
const source = z.union([z.string().min(1).max(60), sourceFacts])

/** How the provider wants its credential. `secret` names the binding that holds it; without it, its targets are off. */
export const auth = z.discriminatedUnion('style', [
  z.strictObject({ style: z.literal('bearer'), secret: variable }),
  z.strictObject({ style: z.literal('header'), header: z.string().regex(/^[a-z0-9-]+$/), secret: variable }),
  /** Every call is signed (AWS Signature Version 4) for a region, with a key that comes in two halves; a passing one has a token as well. */
  z.strictObject({
    style: z.literal('sigv4'),
    access_key_id: variable,
    secret: variable,
    session_token: variable.optional(),
    region: variable,
    service: z.string().regex(/^[a-z0-9-]+$/),
  }),
  /**
   * Every call bears a token that a Google service account's key signs for `audience`. `secret` holds the key's JSON file. Where `token`
   * is set, it is borne in its place, as it stands.
   */
  z.strictObject({ style: z.literal('service_account'), secret: variable, token: variable, audience: z.url() }),
  z.strictObject({ style: z.literal('none') }),
])

/** What happens to the data. `null` means the provider does not say, and a policy that requires it refuses the target. */
export const terms = z.strictObject({
  /** Where inference runs: `eu`, `us`, `cn`, `global` (anywhere), `local` (the operator's own machine). */
  regions: z.array(z.string()).min(1),
  retention_days: z.int().min(0).nullable(),
  trains_on_data: z.boolean().nullable(),
  certifications: z.array(z.string()).default([]),
  source,
})

export const energy = z.strictObject({
  /** Billions of parameters used per token, and in all. Vendors of closed models do not say; then the tier says `guess`. */
  active_params_b: z.number().positive().nullable(),
  total_params_b: z.number().positive().nullable(),
  /** Measured accelerator joules per output token, where a benchmark has the model. */
  measured_j_per_token: z.number().positive().nullable(),
  confidence: z.enum(['measured', 'disclosed', 'guess']),
  source,
})

const rates = {
  input_micros_per_mtok: z.int().min(0).nullable(),
  output_micros_per_mtok: z.int().min(0).nullable(),
  cache_read_micros_per_mtok: z.int().min(0).nullable(),
  cache_write_micros_per_mtok: z.int().min(0).nullable(),
  cache_write_1h_micros_per_mtok: z.int().min(0).nullable().default(null),
}

/** Prices in integer micro-USD per million tokens, from a day on; a class of token with no known price is null. */
export const price = z.strictObject({
  from: date,
  ...rates,
  /** A request with more input tokens than `above_tokens` costs this, all of it. */
  longer: z.strictObject({ above_tokens: z.int().positive(), ...rates }).optional(),
  /** For each search that the provider itself makes; where one is made and this is absent, the cost is unknown. */
  web_search_micros_per_call: z.int().min(0).optional(),
  /** `answer`: all searches for one answer are charged as one. By the call where absent. */
  web_search_per: z.enum(['call', 'answer']).optional(),
  /** Some are free, over the whole account, which nobody here can count: then the price is the most that it may be, and the cost an estimate. */
  web_search_partly_free: z.boolean().optional(),
  file_search_micros_per_call: z.int().min(0).optional(),
  /** The same for code that the provider itself runs, where it bills that by the call; what is billed by the minute has no price here. */
  code_micros_per_run: z.int().min(0).optional(),
  /** Where such tokens are priced apart: images that cost other than text to read; sound, whose price is else unknown. */
  image_input_micros_per_mtok: z.int().min(0).optional(),
  audio_input_micros_per_mtok: z.int().min(0).optional(),
  audio_output_micros_per_mtok: z.int().min(0).optional(),
  source,
  /** Of what is charged by the call, where that comes from elsewhere. */
  tools_source: source.optional(),
})

/** A quality prior: 0..1 on a task (or on all, where `task` is null), with one standard deviation of doubt. */
export const quality = z.strictObject({
  task: task.nullable(),
  score: z.number().min(0).max(1),
  uncertainty: z.number().min(0).max(0.5),
  benchmark: z.string(),
  source,
})

export const capability = z.strictObject({
  input: z.array(modality).min(1),
  output: z.array(modality).min(1),
  tools: z.boolean(),
  parallel_tools: z.boolean(),
  structured_output: z.enum(['none', 'json_object', 'json_schema']),
  streaming: z.boolean(),
  reasoning: z.boolean(),
  /** How a request says how much to think: by a word (`effort`, where absent), or only by a budget of tokens (Anthropic's older models). */
  thinking_by: z.enum(['effort', 'budget']).optional(),
  /** In whose words a format that serves models of many makers passes on what it has no field for (`additionalModelRequestFields`). */
  model_fields: z.enum(['anthropic-messages', 'openai-chat', 'nova']).optional(),
  logprobs: z.boolean(),
  /** More than one answer a request (`n`). */
  choices: z.boolean(),
  /** Goes on from a trailing assistant message; null where nobody has said. */
  prefill: z.boolean().nullable(),
  context_tokens: z.int().positive(),
  output_tokens: z.int().positive(),
})

const requestField = z.string().regex(/^[a-z][a-z0-9_]*$/, 'a field of a request body')
/**
 * A request field that a target answers with a 400: always, or only while it reasons. `reasoning_asked`: the request asks for an
 * effort other than `none`; `reasoning_not_off`: it does not ask for `none`, so a target that thinks unless told not to does.
 */
export const refusedField = z.union([
  requestField,
  z.strictObject({ field: requestField, when: z.enum(['reasoning_asked', 'reasoning_not_off']) }),
])
export type RefusedField = z.infer<typeof refusedField>
/** The one name under which a target takes the limit of output; null where it takes both, or nobody has said. */
const outputLimitField = z.enum(['max_tokens', 'max_completion_tokens']).nullable()

export const provider = z.strictObject({
  id: providerId,
  name: z.string(),
  dialect: z.enum(DIALECTS),
  /** Either an address, or the variable that holds it (local servers, accounts); one of the two. May hold `{VARIABLE}` parts. */
  base_url: z.string().optional(),
  base_url_var: variable.optional(),
  /** Appended to the base address for a chat call. Formats that have the model in the address hold `{model}` here. */
  chat_path: z.string().default('/chat/completions'),
  /** For a stream, where that has an address of its own. */
  stream_path: z.string().optional(),
  auth,
  output_limit_field: outputLimitField.default(null),
  /** Left out of what is sent, and reported as lost; unknown is not refused. */
  refuses: z.array(refusedField).default([]),
  headers: z.record(z.string(), z.string()).default({}),
  /** `worker`: answered inside this Worker (the demo). `ai_binding`: by the platform's binding for models. Everything else goes over the network. */
  transport: z.enum(['network', 'worker', 'ai_binding']).default('network'),
  /** Where this Worker has this binding, calls go by it, and neither address nor credential is needed. */
  binding: z.literal('AI').optional(),
  /** A plain-text variable that must be `on` as well. */
  enabled_by: variable.optional(),
  /** Paths of other endpoints under the base address, where they are not OpenAI's. */
  paths: z.partialRecord(passedEndpoint, z.string().regex(/^\//)).optional(),
  /** What its targets serve; `chat` where this is absent. */
  serves: z.array(endpointName).min(1).optional(),
  /** A variable that lists model names, comma-separated; each becomes a target made from `open_models`. */
  models_var: variable.optional(),
  /** A variable with the context window those were started with, in tokens; `open_models` has what is assumed without it. */
  context_var: variable.optional(),
  open_models: z.lazy(() => openTarget).optional(),
  /** The same for models of other kinds: embeddings, rerankers. */
  more_models: z.array(z.strictObject({ models_var: variable, open_models: z.lazy(() => openTarget) })).optional(),
  terms,
  readiness: z.enum(['always_warm', 'serverless']),
  /** Power usage effectiveness of its data centres and carbon intensity of their grid, for energy. */
  pue: z.number().min(1).max(3).nullable().default(null),
  grid_kg_co2e_per_kwh: z.number().min(0).max(2).nullable().default(null),
  /** A sentence for the operator: what to set to switch it on. */
  how_to_enable: z.string(),
  /**
   * What a request must say beside a trailing assistant message for it to be gone on from: members of that message (Mistral's `prefix`) or of the
   * body (vLLM's `continue_final_message`), and where it is sent, if that is another place (`/beta` of DeepSeek). `echoes`: the answer begins with
   * that message again.
   */
  prefill_with: z
    .strictObject({
      message: z.record(z.string(), z.json()).optional(),
      body: z.record(z.string(), z.json()).optional(),
      path: z.string().regex(/^\//).optional(),
      echoes: z.literal(true).optional(),
    })
    .optional(),
  /** Who says that its targets go on from a trailing assistant message, or that they do not. */
  prefill_source: source.optional(),
  /** An answer is made and billed to its end whether or not anybody reads it. Known of Bedrock (BerriAI/litellm issues 13245 and 34147, 2026). */
  bills_after_abort: z.literal(true).optional(),
})
export type Provider = z.infer<typeof provider>

/**
 * Vectors can be compared within one `space` only: so a request for them may move between targets of one, and never to another.
 * `dimensions` is the length of a vector, null where nobody has said; `shortens`: it takes a smaller one in `dimensions`.
 */
export const embedding = z.strictObject({ space: z.string(), dimensions: z.int().positive().nullable(), shortens: z.boolean() })

const targetFacts = {
  /** Models, agents and tools are chosen alike. */
  kind: z.enum(['model', 'agent', 'tool']).default('model'),
  /** Where it differs from its provider's. */
  serves: z.array(endpointName).min(1).optional(),
  embedding: embedding.optional(),
  family: z.string(),
  released: date.nullable().default(null),
  capability,
  prices: z.array(price),
  /** Rows, or a name in the catalogue's `qualities`: what a model can do is the same wherever it is served. */
  quality: z.union([z.string().min(1).max(60), z.array(quality)]),
  /** Before anything is measured: time to first token and tokens per second. */
  latency_prior: z.strictObject({ first_token_ms: z.number().positive(), tokens_per_second: z.number().positive(), source }),
  energy,
  /** Where a model's terms or readiness differ from its provider's. */
  terms: terms.optional(),
  /** Where they differ from the provider's, which they then replace. */
  output_limit_field: outputLimitField.optional(),
  refuses: z.array(refusedField).optional(),
  readiness: z.enum(['always_warm', 'serverless']).optional(),
}

const openTarget = z.strictObject(targetFacts)

export const target = z.strictObject({
  id: targetId,
  provider: providerId,
  /** What the provider calls it, sent in `model`. */
  model: z.string().min(1).max(200),
  /** Other plain names a caller may use for it. */
  aliases: z.array(z.string()).default([]),
  ...targetFacts,
})
export type Target = z.infer<typeof target>
export type Price = z.infer<typeof price>
export type QualityRow = z.infer<typeof quality>
export type Terms = z.infer<typeof terms>
export type Capability = z.infer<typeof capability>

const grids = z
  .record(z.string(), z.strictObject({ kg_co2e_per_kwh: z.number().min(0).max(2), source }))
  .default({})
  .describe('Carbon intensity of electricity by region, where a provider says no other; `global` is the world.')

export const catalogue = z.strictObject({
  /** Day the figures were gathered. */
  as_of: date,
  notice: z.string(),
  /** What the `source` of a figure may refer to by name. */
  sources: z.record(z.string(), sourceFacts).default({}),
  /** Quality rows that the `quality` of targets may refer to by name: one entry a model. */
  qualities: z.record(z.string(), z.array(quality)).default({}),
  grids,
  providers: z.array(provider),
  targets: z.array(target),
})
export type Catalogue = z.infer<typeof catalogue>

/** What an operator lays over the bundled catalogue, under `catalogue/overlay` in KV: an entry replaces the one with its id, or is added. */
export const catalogueOverlay = z.strictObject({
  sources: z.record(z.string(), sourceFacts).default({}),
  qualities: z.record(z.string(), z.array(quality)).default({}),
  grids,
  providers: z.array(provider).default([]),
  targets: z.array(target).default([]),
  /** Ids of targets, or of providers with all their targets, that are to be left out. */
  without: z.array(z.string()).default([]),
})
export type CatalogueOverlay = z.infer<typeof catalogueOverlay>
