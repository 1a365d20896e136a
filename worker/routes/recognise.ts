/**
 * What a body is that came without its own path: which wire format a chat is in, or which other endpoint it is meant for. Headers
 * that say so are believed; else what only one of them has tells, the surest sign first. Where two have the same (`input` of
 * embeddings and of Responses), the model's name does.
 */
import type { LiveCatalogue } from '../core/decide/world.ts'
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import { isObject } from '../dialects/check.ts'
import { DIALECTS, type DialectName, type Json, type JsonObject } from '../schema/chat.ts'
import { ENDPOINTS, type EndpointName, type PassedEndpoint } from '../schema/endpoint.ts'

export type Recognised = { endpoint: 'chat'; dialect: DialectName } | { endpoint: PassedEndpoint }

const DIALECT_HEADER = 'x-signalbox-dialect'
const ENDPOINT_HEADER = 'x-signalbox-endpoint'

/** What the headers say: nothing, a kind of body, or something that does not exist. */
function said(headers: Headers): Result<Partial<{ dialect: DialectName; endpoint: EndpointName }>, GatewayError> {
  const dialect = headers.get(DIALECT_HEADER)
  const endpoint = headers.get(ENDPOINT_HEADER)
  if (dialect !== null && !isOneOf(DIALECTS, dialect)) return unknown(DIALECT_HEADER, DIALECTS)
  if (endpoint !== null && !isOneOf(ENDPOINTS, endpoint)) return unknown(ENDPOINT_HEADER, ENDPOINTS)
  if (dialect !== null && endpoint !== null && endpoint !== 'chat')
    return err({ code: 'invalid_request', param: DIALECT_HEADER, message: `${DIALECT_HEADER} is for chats; ${endpoint} have one format.` })
  return ok({ ...(dialect !== null && { dialect }), ...(endpoint !== null && { endpoint }) })
}

const isOneOf = <T extends string>(names: readonly T[], name: string): name is T => (names as readonly string[]).includes(name)

const unknown = (param: string, known: readonly string[]): Result<never, GatewayError> =>
  err({ code: 'invalid_request', param, message: `${param} must be one of ${known.join(', ')}; or leave it out, and the body tells.` })

export function recognised(headers: Headers, body: JsonObject, catalogue: LiveCatalogue): Result<Recognised, GatewayError> {
  const told = said(headers)
  if (!told.ok) return told
  const { dialect, endpoint } = told.value
  if (dialect !== undefined) return ok({ endpoint: 'chat', dialect })
  if (endpoint !== undefined && endpoint !== 'chat') return ok({ endpoint })
  if (headers.has('anthropic-version')) return ok({ endpoint: 'chat', dialect: 'anthropic-messages' })
  const looks = chatIn(body) ?? (endpoint === 'chat' ? null : passedIn(body, catalogue))
  if (looks !== null && isOneOf(DIALECTS, looks)) return ok({ endpoint: 'chat', dialect: looks })
  return ok(looks === null ? { endpoint: 'chat', dialect: fallback(body) } : { endpoint: looks })
}

/** The same of a form: what file is in it. */
export function recognisedForm(headers: Headers, hasFile: (name: string) => boolean): Result<PassedEndpoint, GatewayError> {
  const told = said(headers)
  if (!told.ok) return told
  const { dialect, endpoint } = told.value
  if (dialect !== undefined || endpoint === 'chat')
    return err({ code: 'unsupported_media_type', got: 'multipart/form-data', wanted: 'application/json' })
  return ok(endpoint ?? (hasFile('image') || hasFile('image[]') ? 'image_edits' : 'transcriptions'))
}

/** Members that one format of chats has and no other. */
const ONLY_IN: [member: string, dialect: DialectName][] = [
  ['contents', 'gemini'],
  ['generationConfig', 'gemini'],
  ['inferenceConfig', 'bedrock-converse'],
  ['toolConfig', 'bedrock-converse'],
  ['additionalModelRequestFields', 'bedrock-converse'],
  ['system', 'anthropic-messages'],
  ['stop_sequences', 'anthropic-messages'],
  ['thinking', 'anthropic-messages'],
  ['previous_response_id', 'openai-responses'],
  ['instructions', 'openai-responses'],
  ['max_output_tokens', 'openai-responses'],
]
/** Of a block of content or a tool: what the same thing is called in other formats. */
const BLOCKS = new Set(['tool_use', 'tool_result', 'thinking', 'redacted_thinking', 'document', 'image', 'search_result'])

/** Null where it is no chat for sure. */
function chatIn(body: JsonObject): DialectName | null {
  if ('messages' in body) {
    if (looksLikeConverse(body)) return 'bedrock-converse'
    const own = ONLY_IN.find(([member, dialect]) => dialect === 'anthropic-messages' && member in body)
    return own || toolsOf(body).some(tool => 'input_schema' in tool) || blocksOf(body).some(({ type }) => BLOCKS.has(String(type)))
      ? 'anthropic-messages'
      : 'openai-chat'
  }
  // Speech has instructions too, and a voice to say them in.
  if ('voice' in body) return null
  return ONLY_IN.find(([member]) => member in body)?.[1] ?? null
}

function looksLikeConverse(body: JsonObject): boolean {
  if (ONLY_IN.some(([member, dialect]) => dialect === 'bedrock-converse' && member in body)) return true
  const blocks = blocksOf(body)
  return blocks.length > 0 && blocks.every(block => !('type' in block))
}

const objectsIn = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
const toolsOf = ({ tools }: JsonObject) => objectsIn(tools)
const blocksOf = ({ messages }: JsonObject) => objectsIn(messages).flatMap(({ content }) => objectsIn(content))

/** Null where it may as well be a chat. */
function passedIn(body: JsonObject, catalogue: LiveCatalogue): PassedEndpoint | null {
  if ('query' in body && 'documents' in body) return 'rerank'
  if ('voice' in body) return 'speech'
  const named = servedAt(body.model, catalogue)
  if ('input' in body) {
    const serves = (['embeddings', 'moderations', 'speech'] as const).find(endpoint => named.has(endpoint))
    if (serves !== undefined && !named.has('chat')) return serves
    return 'dimensions' in body || 'encoding_format' in body || isTextsOrTokens(body.input) ? 'embeddings' : null
  }
  if (typeof body.prompt !== 'string' && !Array.isArray(body.prompt)) return null
  const pictured = named.has('images') || ['size', 'quality', 'background', 'response_format'].some(member => member in body)
  return pictured && !named.has('completions') ? 'images' : 'completions'
}

/** A list of plain values: Responses has objects in its own. */
const isTextsOrTokens = (input: Json | undefined) => Array.isArray(input) && input.length > 0 && input.every(item => !isObject(item))

function servedAt(model: Json | undefined, { everywhere }: LiveCatalogue): Set<EndpointName> {
  const at = new Set<EndpointName>()
  if (typeof model !== 'string') return at
  for (const [endpoint, { by_id, by_name }] of everywhere) if (by_id.has(model) || by_name.has(model.toLowerCase())) at.add(endpoint)
  return at
}

const fallback = (body: JsonObject): DialectName => ('input' in body || isObject(body.prompt) ? 'openai-responses' : 'openai-chat')
