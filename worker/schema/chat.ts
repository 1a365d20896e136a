/**
 * The neutral form between dialects: what a caller asked, what a target answered, and an answer in flight. Each dialect
 * reads its wire format into these and writes them back out, so N formats need N codecs and not N x M translators.
 *
 * Nothing is dropped in silence: a field that no name here covers is kept in `extra` under its own dialect, passes
 * untouched when both sides speak that dialect, and is reported as a loss when they do not.
 */
import type { Modality } from './features.ts'
import type { Micros, Tokens } from './units.ts'

export const DIALECTS = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'bedrock-converse', 'cohere-chat'] as const
export type DialectName = (typeof DIALECTS)[number]

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** Where the bytes of an image, a sound or a file are: inline, behind a URL (never fetched by the router), or at the provider. */
export type MediaSource =
  | { at: 'url'; url: string }
  | { at: 'base64'; data: string; media_type: string }
  | { at: 'provider_file'; id: string }

/** A marker that asks the provider to cache the prompt up to here; the time to live is the provider's wording, null for its default. */
export type CacheMarker = { ttl: string | null }

export type Part = (
  | { type: 'text'; text: string; citations?: Json[] }
  | { type: 'media'; modality: Exclude<Modality, 'text'>; source: MediaSource; name?: string; detail?: string }
  /** A signature or encrypted thought is worth something only to who made it: `seal_of`, and where that is absent, the dialect of the whole. */
  | { type: 'reasoning'; text: string; signature?: string; encrypted?: string; seal_of?: DialectName }
  | { type: 'tool_call'; id: string; name: string; arguments: string }
  | { type: 'tool_result'; call_id: string; parts: Part[]; is_error: boolean }
  | { type: 'refusal'; text: string }
  /** A part no name covers: carried whole for its own dialect. */
  | { type: 'other'; dialect: DialectName; value: Json }
) & { cache?: CacheMarker; extra?: JsonObject }

export type Message = { role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'; parts: Part[]; name?: string; extra?: JsonObject }

export type ToolDefinition = {
  name: string
  description: string | null
  parameters: Json
  strict: boolean | null
  cache?: CacheMarker
  extra?: JsonObject
}
export type ToolChoice = { mode: 'auto' | 'none' | 'required' } | { mode: 'named'; name: string }
export type OutputFormat =
  | { form: 'text' }
  | { form: 'json_object' }
  | { form: 'json_schema'; name: string; schema: Json; strict: boolean | null; description?: string }

export type ChatRequest = {
  dialect: DialectName
  /** What the caller wrote in `model`: `auto`, `policy/<name>`, a group, a target id or a plain model name. */
  model: string
  stream: boolean
  messages: Message[]
  tools: ToolDefinition[]
  tool_choice: ToolChoice | null
  parallel_tool_calls: boolean | null
  output: OutputFormat
  max_output_tokens: Tokens | null
  temperature: number | null
  top_p: number | null
  top_k: number | null
  seed: number | null
  stop: string[]
  frequency_penalty: number | null
  presence_penalty: number | null
  /** `n`: how many answers. */
  choices: number
  logprobs: number | null
  /** Null where the caller says nothing of it; both members null where it asks for thought and leaves how much to the model. */
  reasoning: {
    effort: string | null
    budget_tokens: Tokens | null
    /** How much of its thoughts the answer should tell, in the caller's word. */
    summary?: string
  } | null
  user: string | null
  metadata: JsonObject | null
  service_tier: string | null
  /** Did the caller ask for a usage event at the end of the stream? */
  stream_usage: boolean
  /** The request leans on what a provider of this dialect keeps (`previous_response_id`), named by `field`: nobody else can answer it. */
  bound?: { dialect: DialectName; field: string }
  /** The caller's headers for what is not in its format yet, by name. */
  betas?: Record<string, string>
  /** Top-level fields that no name above covers. */
  extra: JsonObject
}

/** Counts as the target reported them. Unknown is null and stays null to the row: it is not zero. */
export type TokenUsage = {
  /** All input tokens, cached ones included. */
  input_tokens: Tokens | null
  cache_read_tokens: Tokens | null
  cache_write_tokens: Tokens | null
  /** The part of `cache_write_tokens` kept for an hour, priced apart. */
  cache_write_1h_tokens: Tokens | null
  /** All output tokens, reasoning included. */
  output_tokens: Tokens | null
  reasoning_tokens: Tokens | null
  audio_input_tokens: Tokens | null
  audio_output_tokens: Tokens | null
  image_input_tokens: Tokens | null
  /** Searches that the provider made for this answer and bills by the call. */
  web_search_calls: number | null
  file_search_calls: number | null
  /** What the provider bills for code that it ran itself: calls, or containers that are billed by the minute, which no answer tells. Absent where there was none. */
  code_runs?: number
  /** Tokens that another model of the provider's used for this answer, at that model's price: an advisor's. In no count above. */
  other_model_tokens?: Tokens
  /** What the provider itself says that it charges for this call, all of it. */
  told_cost_micros?: Micros
}

/** Counts that few answers have: they are no columns, and are kept with the attempt. */
export const RARE_COUNTS = ['code_runs', 'other_model_tokens', 'told_cost_micros'] as const

export const UNKNOWN_USAGE: TokenUsage = {
  input_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  cache_write_1h_tokens: null,
  output_tokens: null,
  reasoning_tokens: null,
  audio_input_tokens: null,
  audio_output_tokens: null,
  image_input_tokens: null,
  web_search_calls: null,
  file_search_calls: null,
}

/** Why an answer ended, in one vocabulary; `raw` beside it keeps the provider's own word. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'pause' | 'other'

export type ReplyChoice = {
  index: number
  parts: Part[]
  finish: FinishReason | null
  finish_raw: string | null
  logprobs?: Json
  extra?: JsonObject
}

export type Reply = {
  /** Whose `extra` this carries: it is written back only there. */
  dialect?: DialectName
  id: string
  model: string
  created_at_s: number | null
  choices: ReplyChoice[]
  usage: TokenUsage
  service_tier: string | null
  extra: JsonObject
}

/** An answer in flight: the same facts as a `Reply`, one event at a time, in the order they arrived. */
export type StreamEvent =
  | { type: 'start'; dialect?: DialectName; id: string; model: string; created_at_s: number | null; extra?: JsonObject }
  | { type: 'text'; choice: number; text: string; logprobs?: Json }
  | { type: 'refusal'; choice: number; text: string }
  | { type: 'reasoning'; choice: number; text: string; signature?: string; encrypted?: string; seal_of?: DialectName }
  | { type: 'tool_call_start'; choice: number; index: number; id: string; name: string }
  | { type: 'tool_call_arguments'; choice: number; index: number; fragment: string }
  | { type: 'tool_call_end'; choice: number; index: number }
  | { type: 'citation'; choice: number; value: Json }
  /** A part that comes whole, of a kind that no event above tells piece by piece. */
  | { type: 'part'; choice: number; part: Part }
  | { type: 'finish'; choice: number; finish: FinishReason; finish_raw: string }
  | { type: 'usage'; usage: TokenUsage }
  | { type: 'error'; status: number | null; code: string | null; message: string }
  | { type: 'end' }
  /** An event no name covers: carried whole for its own dialect. */
  | { type: 'other'; dialect: DialectName; value: Json }

/** What a translation could not carry as it was. `field` is the caller's own name for it. */
export type Loss = { field: string; how: 'dropped' | 'emulated' | 'approximated'; note?: string }
