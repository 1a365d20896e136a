/**
 * A request to an endpoint whose bodies are passed through: read for what there is to decide on, and kept as the bytes it came
 * in, in which only the model's name is replaced.
 */
import { fitTo, type Parameters } from '../core/decide/parameters.ts'
import type { Asks, LiveTarget } from '../core/decide/world.ts'
import type { GatewayError } from '../core/errors.ts'
import { type JsonText, splice } from '../core/json-text.ts'
import { type Form, fieldOf, parseForm, withField } from '../core/multipart.ts'
import { err, ok, type Result } from '../core/result.ts'
import { sizeClassOf, understand } from '../core/understand/understand.ts'
import { betasIn } from '../dialects/betas.ts'
import { openaiChat } from '../dialects/openai-chat/dialect.ts'
import { ENDPOINT_FORMS, type EndpointForm, type Given, passedRequest, type Subject, subjectOf } from '../dialects/passed-endpoints.ts'
import type { Passage } from '../dispatch/call.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { ChatRequest, Loss } from '../schema/chat.ts'
import type { Refusal } from '../schema/decision.ts'
import type { PassedEndpoint } from '../schema/endpoint.ts'
import type { Features } from '../schema/features.ts'
import { understanding } from '../store/understanding.ts'
import { readBody } from './body.ts'
import type { Asked } from './door.ts'
import { readJson } from './read.ts'

/** OpenAI takes sound of up to 25 MB. While it is sent there are two copies of it, so an isolate of 128 MB bears two at once. */
export const FORM_LIMIT = { bytes: 25 * 1024 * 1024, ms: 60_000, type: 'form' as const }

export async function readPassed(request: Request, endpoint: PassedEndpoint, effects: Effects): Promise<Result<Asked, GatewayError>> {
  if (ENDPOINT_FORMS[endpoint].body === 'form') {
    const form = await readForm(request, effects)
    return form.ok ? askedPassed(form.value, endpoint, request.headers) : form
  }
  const json = await readJson(request, effects)
  return json.ok ? askedPassed(jsonBody(json.value), endpoint, request.headers) : json
}

export async function readForm(request: Request, effects: Effects): Promise<Result<Body, GatewayError>> {
  const bytes = await readBody(request, FORM_LIMIT, effects)
  return bytes.ok ? formBody(bytes.value, request.headers.get('content-type') ?? '') : bytes
}

export function askedPassed({ given, ...carried }: Body, endpoint: PassedEndpoint, headers: Headers): Result<Asked, GatewayError> {
  const form = ENDPOINT_FORMS[endpoint]
  const subject = subjectOf(form, given)
  if (!subject.ok) return subject
  const model = given.field('model')
  if (model !== undefined && model !== null && typeof model !== 'string')
    return err({ code: 'invalid_request', param: 'model', message: '"model" must be a string: a target, a model\'s name, or "auto".' })
  const betas = betasIn(openaiChat, headers)
  if (!betas.ok) return betas
  const asked = passedRequest(given, subject.value)
  if (betas.value !== undefined) asked.betas = betas.value
  return ok({
    request: asked,
    features: featuresOf(asked, form, given, subject.value),
    asks: asksOf(endpoint, form, given, subject.value),
    losses: carried.losses,
    carries: { passage: { endpoint: form, content_type: carried.content_type, bodyFor: carried.bodyFor } },
  })
}

export type Body = Pick<Passage, 'content_type' | 'bodyFor'> & { given: Given; losses(target: LiveTarget): Loss[] }

export function jsonBody(json: JsonText): Body {
  const { value } = json
  return {
    given: { field: name => (Object.hasOwn(value, name) ? value[name] : undefined), hasFile: () => false },
    content_type: 'application/json',
    bodyFor: ({ target, parameters }) => splice(json, { ...editsOf(json, parameters), model: target.model }),
    losses: ({ parameters }) => (parameters === null ? [] : fitTo(value, parameters).losses),
  }
}

const editsOf = ({ value }: JsonText, parameters: Parameters | null) => (parameters === null ? {} : fitTo(value, parameters).edits)

function formBody(bytes: Uint8Array, content_type: string): Result<Body, GatewayError> {
  const form = parseForm(bytes, content_type)
  if (!form.ok) return form
  return ok({
    given: givenIn(form.value),
    content_type: formType(form.value.boundary),
    bodyFor: ({ target }) => withField(form.value, 'model', target.model),
    losses: () => [],
  })
}

/** Quoted only where it must be: not every server reads quotes. */
const formType = (boundary: string) => `multipart/form-data; boundary=${/^[0-9A-Za-z'_.+-]+$/.test(boundary) ? boundary : `"${boundary}"`}`

function givenIn(form: Form): Given {
  const number = (text: string | null) => (text !== null && /^\d{1,6}$/.test(text) ? Number(text) : text)
  return {
    field: name => number(fieldOf(form, name)) ?? undefined,
    hasFile: name => form.parts.some(part => part.name === name && part.filename !== null),
  }
}

/** What is known of it as of a chat, but for what it will cost to answer. */
function featuresOf(request: ChatRequest, form: EndpointForm, given: Given, subject: Subject): Features {
  const features = understand(request, understanding())
  const prompt_tokens = features.prompt_tokens + subject.tokens
  const output_tokens = form.output_tokens(given)
  const sized = { ...features, prompt_tokens, size: sizeClassOf(prompt_tokens) }
  return output_tokens === null ? sized : { ...sized, expected_output_tokens: output_tokens, max_output_tokens: output_tokens }
}

function asksOf(endpoint: PassedEndpoint, form: EndpointForm, given: Given, subject: Subject): Asks {
  const dimensions = given.field('dimensions')
  return {
    endpoint,
    output: form.output,
    window_tokens: subject.longest_tokens,
    suits: ({ target }) => (typeof dimensions === 'number' && target.embedding ? unsuited(target.embedding, dimensions) : null),
  }
}

function unsuited(embedding: NonNullable<LiveTarget['target']['embedding']>, need: number): Refusal | null {
  const { dimensions, shortens } = embedding
  if (dimensions === need || (shortens && (dimensions === null || need < dimensions))) return null
  return { reason: 'dimensions', need, have: dimensions }
}
