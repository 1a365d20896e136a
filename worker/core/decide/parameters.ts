/**
 * Request fields that a target wants under another name, or answers with a 400. Targets of one dialect differ here, and who
 * asks for `auto` cannot know which of them will answer; so the catalogue says it of each, and what is sent is fitted to it.
 *
 * A rename loses nothing. A field that is left out does, and is reported; but for one that says what holds without it, as
 * `temperature: 1` does: that is left out in silence, since some targets refuse the very mention.
 */
import type { Provider, RefusedField, Target } from '../../schema/catalogue.ts'
import type { Json, JsonObject, Loss } from '../../schema/chat.ts'

export type Parameters = {
  /** The one name the target knows for the limit of output; null where both pass. */
  output_limit_field: OutputLimitField | null
  refuses: readonly RefusedField[]
}
type OutputLimitField = NonNullable<Provider['output_limit_field']>

/** `edits`: members to set, or, for `undefined`, to leave out. */
export type Fit = { edits: Record<string, Json | undefined>; losses: Loss[] }

/** What holds of a target, or null where nothing has to be fitted, which is most of them. */
export function parametersOf(target: Target, provider: Pick<Provider, 'output_limit_field' | 'refuses'>): Parameters | null {
  const output_limit_field = target.output_limit_field === undefined ? provider.output_limit_field : target.output_limit_field
  const refuses = target.refuses ?? provider.refuses
  return output_limit_field === null && refuses.length === 0 ? null : { output_limit_field, refuses }
}

const OTHER_NAME: Record<OutputLimitField, OutputLimitField> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
}

/** What of this body has to change for the target; empty where nothing has. */
export function fitTo(body: JsonObject, { output_limit_field, refuses }: Parameters): Fit {
  const edits: Fit['edits'] = {}
  const losses: Loss[] = []
  if (output_limit_field !== null) {
    const other = OTHER_NAME[output_limit_field]
    if (Object.hasOwn(body, other)) {
      edits[other] = undefined
      // With both there, the newer name is the one that counts, as it is for reading.
      const limit = body.max_completion_tokens ?? body.max_tokens ?? null
      if (limit !== null && body[output_limit_field] !== limit) edits[output_limit_field] = limit
    }
  }
  for (const each of refuses) {
    const field = typeof each === 'string' ? each : each.field
    if (!Object.hasOwn(body, field)) continue
    if (typeof each !== 'string' && !holds(each.when, effortOf(body))) continue
    edits[field] = undefined
    if (!saysNothing(field, body[field])) losses.push({ field, how: 'dropped', note: 'the target refuses it' })
  }
  return { edits, losses }
}

/** Does the target refuse the field whatever else the request says? */
export function refusesAlways({ refuses }: Parameters, field: string): boolean {
  return refuses.includes(field)
}

function effortOf(body: JsonObject): Json | undefined {
  const { reasoning } = body
  if (body.reasoning_effort !== undefined) return body.reasoning_effort
  return typeof reasoning === 'object' && reasoning !== null && !Array.isArray(reasoning) ? reasoning.effort : undefined
}

function holds(when: Exclude<RefusedField, string>['when'], effort: Json | undefined): boolean {
  return when === 'reasoning_not_off' ? effort !== 'none' : typeof effort === 'string' && effort !== 'none'
}

/** What each field is where it is absent (platform.openai.com/docs/api-reference/chat/create, read 2026-11). */
const ABSENT = new Map<string, Json>([
  ['temperature', 1],
  ['top_p', 1],
  ['n', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logprobs', false],
  ['top_logprobs', 0],
  ['parallel_tool_calls', true],
  ['service_tier', 'auto'],
  ['store', false],
])

function saysNothing(field: string, value: Json | undefined): boolean {
  if (value === null || value === undefined || value === ABSENT.get(field)) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
