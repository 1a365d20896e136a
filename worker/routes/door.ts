/**
 * A door: a path where requests come in, and how what comes through it is read. Behind every door is the same straight line
 * (`chat.ts`): it takes what is decided on, and carries what there is to carry, without asking what kind it is.
 */
import type { Asks, LiveTarget } from '../core/decide/world.ts'
import type { GatewayError } from '../core/errors.ts'
import type { JsonText } from '../core/json-text.ts'
import { ok, type Result } from '../core/result.ts'
import { understand } from '../core/understand/understand.ts'
import { betasIn } from '../dialects/betas.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { lossesOf } from '../dialects/losses.ts'
import type { Carries } from '../dispatch/call.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { ChatRequest, Loss } from '../schema/chat.ts'
import { ENDPOINT_PATHS, type EndpointName, type PassedEndpoint } from '../schema/endpoint.ts'
import type { Features } from '../schema/features.ts'
import { understanding } from '../store/understanding.ts'
import { readPassed } from './passed.ts'
import { readJson } from './read.ts'

export type Asked = {
  request: ChatRequest
  features: Features
  asks?: Asks
  /** The caller's own name for the conversation; null where it gave none, undefined where the endpoint knows none. */
  conversation?: string | null
  /** What is lost on the way to a target. */
  losses(target: LiveTarget): Loss[]
  carries: Carries
}

export type Door = {
  /** As it is written into the usage row. */
  path: string
  endpoint: EndpointName
  read(request: Request, effects: Effects): Promise<Result<Asked, GatewayError>>
}

export const chatDoor = (path: string, dialect: Dialect): Door => ({
  path,
  endpoint: 'chat',
  async read(request, effects) {
    const json = await readJson(request, effects)
    return json.ok ? askedChat(json.value, dialect, request.headers) : json
  },
})

export function askedChat(json: JsonText, dialect: Dialect, headers: Headers): Result<Asked, GatewayError> {
  const read = dialect.request.read(json.value)
  if (!read.ok) return read
  const betas = betasIn(dialect, headers)
  if (!betas.ok) return betas
  const chat = read.value
  if (betas.value !== undefined) chat.betas = betas.value
  return ok({
    request: chat,
    features: understand(chat, understanding()),
    conversation: headers.get('x-signalbox-conversation'),
    losses: lossesOf(chat),
    carries: { json },
  })
}

export const passedDoor = (endpoint: PassedEndpoint): Door => ({
  path: `/v1${ENDPOINT_PATHS[endpoint]}`,
  endpoint,
  read: (request, effects) => readPassed(request, endpoint, effects),
})
