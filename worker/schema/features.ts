/**
 * What is known of a request from its text and shape alone, without a call to anyone. `core/understand` makes it; rules,
 * scores and the decision record read it. Every field is bounded, so that a rule over them is bounded too.
 */
import * as z from 'zod'

/** What is being asked for. Twelve tasks, after the taxonomies in use (NVIDIA's prompt-task classifier, OpenRouter's, vLLM-SR's). */
export const TASKS = [
  'code_generation',
  'code_understanding',
  'mathematics',
  'reasoning',
  'factual_question',
  'grounded_question',
  'summary',
  'extraction',
  'rewriting',
  'creative_writing',
  'conversation',
  'agentic',
] as const
export const task = z.enum(TASKS)
export type Task = z.infer<typeof task>

/** Subject matter, in the groups that public benchmarks report (MMLU's, with code and general added). */
export const DOMAINS = ['stem', 'humanities', 'social_sciences', 'medicine', 'law', 'business', 'code', 'general'] as const
export const domain = z.enum(DOMAINS)
export type Domain = z.infer<typeof domain>

export const MODALITIES = ['text', 'image', 'audio', 'file', 'video'] as const
export const modality = z.enum(MODALITIES)
export type Modality = z.infer<typeof modality>

/** Prompt size classes by estimated tokens: s < 500, m < 4,000, l < 32,000, xl beyond. Latency is learned per class. */
export const SIZE_CLASSES = ['s', 'm', 'l', 'xl'] as const
export const sizeClass = z.enum(SIZE_CLASSES)
export type SizeClass = z.infer<typeof sizeClass>

/** What is found of a person in a text, each by a check of its own; names only where a policy refers to personal data. */
export const PERSONAL_DATA_TYPES = ['email', 'card', 'iban', 'us_ssn', 'phone', 'ip', 'secret', 'name', 'address', 'birth_date'] as const
export const personalDataType = z.enum(PERSONAL_DATA_TYPES)
export type PersonalDataType = z.infer<typeof personalDataType>

export const OUTPUT_FORMS = ['text', 'json_object', 'json_schema'] as const
export const outputForm = z.enum(OUTPUT_FORMS)
export type OutputForm = z.infer<typeof outputForm>

export const features = z.object({
  task,
  /** Probability of `task`, 0..1; low on prompts unlike anything known, and then the prior over tasks is flat. */
  task_confidence: z.number().min(0).max(1),
  domain,
  domain_confidence: z.number().min(0).max(1),
  /** 0 (anyone can) .. 1 (only the strongest may); a weak signal, used as a shift of the prior and never alone. */
  difficulty: z.number().min(0).max(1),
  /** ISO 639-1 code of the last user turn, or `und` where it cannot be told. */
  language: z.string(),
  language_confidence: z.number().min(0).max(1),
  /** Modalities of the input, `text` included when there is any. */
  input_modalities: z.array(modality),
  /** Estimate for the whole prompt, tools and history included. */
  prompt_tokens: z.number(),
  /** Estimate for the last user turn alone. */
  last_turn_tokens: z.number(),
  size: sizeClass,
  /** Expected length of the answer; never above the caller's own limit. Drives cost, latency and energy. */
  expected_output_tokens: z.number(),
  /** The caller's own limit, or null. */
  max_output_tokens: z.number().nullable(),
  /** User turns so far, this one included. */
  turns: z.number(),
  has_system: z.boolean(),
  /** Number of tools offered. */
  tools: z.number(),
  tool_required: z.boolean(),
  /** The conversation already carries tool calls or their results: an agent at work. */
  tool_results: z.boolean(),
  output_form: outputForm,
  /** Share of the last turn that looks like code, 0..1. */
  code_share: z.number().min(0).max(1),
  /** Share of the last turn that looks like mathematics, 0..1. */
  math_share: z.number().min(0).max(1),
  streaming: z.boolean(),
  choices: z.number(),
  logprobs: z.boolean(),
  reasoning_requested: z.boolean(),
  /** Types of personal data seen (`email`, `card`, ...), never their values. */
  personal_data: z.array(z.string()),
  /** Likelihood that the text tries to instruct the router or the model against its operator, 0..1. */
  injection: z.number().min(0).max(1),
})
export type Features = z.infer<typeof features>
