/**
 * The variables a rule may read, with their types. All of them are declared here, so that a misspelt name is an error when the
 * policy is loaded, with its place, and never a rule that silently does not match.
 *
 * Counts are CEL `int`, which is a bigint at run time; shares and probabilities are `double`. Lists are cut to a bound, so
 * that a loop over one is bounded too.
 */
import { Environment } from '@marcbachmann/cel-js'
import type { Caller } from '../../schema/caller.ts'
import { type ChatRequest, DIALECTS } from '../../schema/chat.ts'
import { DOMAINS, type Features, MODALITIES, OUTPUT_FORMS, PERSONAL_DATA_TYPES, SIZE_CLASSES, TASKS } from '../../schema/features.ts'
import type { Ms } from '../../schema/units.ts'

type VariableType = 'bool' | 'int' | 'double' | 'string' | 'list<string>'

/** `values`: all there can be · `from`, `to`: the range. Static checks use them to find conditions that can never hold. */
export type Variable = { type: VariableType; says: string; values?: readonly string[]; from?: number; to?: number }

const share = (says: string): Variable => ({ type: 'double', says, from: 0, to: 1 })
const count = (says: string): Variable => ({ type: 'int', says, from: 0 })
const flag = (says: string): Variable => ({ type: 'bool', says })

/** By the name a rule writes. One level of nesting: `caller.tier`. */
export const VARIABLES: Record<string, Variable> = {
  task: { type: 'string', says: 'what is asked for', values: TASKS },
  task_confidence: share('probability of `task`'),
  domain: { type: 'string', says: 'subject matter', values: DOMAINS },
  domain_confidence: share('probability of `domain`'),
  difficulty: share('0 anyone can, 1 only the strongest may'),
  language: { type: 'string', says: 'ISO 639-1 code of the last user turn, or "und"' },
  language_confidence: share('probability of `language`'),
  input_modalities: { type: 'list<string>', says: 'of the input', values: MODALITIES },
  prompt_tokens: count('estimate for the whole prompt'),
  last_turn_tokens: count('estimate for the last user turn'),
  size: { type: 'string', says: 'class of `prompt_tokens`', values: SIZE_CLASSES },
  expected_output_tokens: count('expected length of the answer'),
  max_output_tokens: count("the caller's own limit, 0 where there is none"),
  turns: count('user turns so far'),
  has_system: flag('a system message is there'),
  tools: count('tools offered'),
  tool_required: flag('a tool call is demanded'),
  tool_results: flag('the conversation already carries tool calls or results'),
  output_form: { type: 'string', says: 'form the answer must have', values: OUTPUT_FORMS },
  code_share: share('share of the last turn that looks like code'),
  math_share: share('share of the last turn that looks like mathematics'),
  streaming: flag('the answer is streamed'),
  choices: count('answers asked for'),
  logprobs: flag('log probabilities are asked for'),
  reasoning_requested: flag('the caller asked for reasoning'),
  personal_data: { type: 'list<string>', says: 'types of personal data seen', values: PERSONAL_DATA_TYPES },
  injection: share('likelihood that the text instructs the model against its operator'),
  'caller.org': { type: 'string', says: 'owner of the budget' },
  'caller.team': { type: 'string', says: 'team, "" where there is none' },
  'caller.tier': { type: 'string', says: 'free label of the key' },
  'caller.tags': { type: 'list<string>', says: 'free labels of the key' },
  'request.model': { type: 'string', says: 'what the caller wrote in `model`' },
  'request.stream': flag('the answer is streamed'),
  'request.dialect': { type: 'string', says: 'wire format of the request', values: DIALECTS },
  'request.user': { type: 'string', says: 'the caller\'s own user id, "" where there is none' },
  'request.service_tier': { type: 'string', says: 'the service tier asked for, "" where there is none' },
  'time.hour': { type: 'int', says: 'hour of the day in UTC', from: 0, to: 23 },
  'time.weekday': { type: 'int', says: 'day of the week in UTC, 1 Monday to 7 Sunday', from: 1, to: 7 },
}

/** Beyond this a list is cut: enough for any rule, small enough for a loop. */
const LIST_LIMIT = 50

/** The environment every rule is checked against; made once, as making one costs 40 µs. */
export function environment(): Environment {
  made ??= declared()
  return made
}
let made: Environment | null = null

function declared(): Environment {
  const made = new Environment({ limits: { maxAstNodes: 400, maxDepth: 40 } })
  const nested: Record<string, Record<string, string>> = {}
  for (const [path, { type }] of Object.entries(VARIABLES)) {
    const [object = '', field] = path.split('.')
    if (field === undefined) made.registerVariable(path, type)
    else nested[object] = { ...nested[object], [field]: type }
  }
  for (const [object, schema] of Object.entries(nested)) made.registerVariable(object, { schema })
  return made
}

const whole = (value: number) => BigInt(Math.min(Math.max(Math.round(value) || 0, 0), 1e12))
const cut = (list: string[]) => (list.length > LIST_LIMIT ? list.slice(0, LIST_LIMIT) : list)

export function variablesOf(features: Features, caller: Caller, request: ChatRequest, now_ms: Ms = 0): Record<string, unknown> {
  return {
    task: features.task,
    task_confidence: features.task_confidence,
    domain: features.domain,
    domain_confidence: features.domain_confidence,
    difficulty: features.difficulty,
    language: features.language,
    language_confidence: features.language_confidence,
    input_modalities: features.input_modalities,
    prompt_tokens: whole(features.prompt_tokens),
    last_turn_tokens: whole(features.last_turn_tokens),
    size: features.size,
    expected_output_tokens: whole(features.expected_output_tokens),
    max_output_tokens: whole(features.max_output_tokens ?? 0),
    turns: whole(features.turns),
    has_system: features.has_system,
    tools: whole(features.tools),
    tool_required: features.tool_required,
    tool_results: features.tool_results,
    output_form: features.output_form,
    code_share: features.code_share,
    math_share: features.math_share,
    streaming: features.streaming,
    choices: whole(features.choices),
    logprobs: features.logprobs,
    reasoning_requested: features.reasoning_requested,
    personal_data: cut(features.personal_data),
    injection: features.injection,
    caller: { org: caller.org, team: caller.team ?? '', tier: caller.tier, tags: caller.tags },
    request: {
      model: request.model,
      stream: request.stream,
      dialect: request.dialect,
      user: request.user ?? '',
      service_tier: request.service_tier ?? '',
    },
    // 1970-01-01 was a Thursday, the fourth day.
    time: { hour: whole(Math.floor(now_ms / 3_600_000) % 24), weekday: whole(((Math.floor(now_ms / 86_400_000) + 3) % 7) + 1) },
  }
}
