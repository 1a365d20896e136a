/**
 * An answer that broke off after its first token, taken up by another target. The caller has a part of it that cannot be taken
 * back, so whoever goes on must do so exactly there: shown that part as its own beginning, told to go on, or saying it again
 * from the start while that is swallowed (`stream/splice.ts`). Which of them may be tried, the plan says; who can do what, the catalogue.
 *
 * It walks the rest of the plan under the request's own bounds: the calls that are left, its one deadline. Once a target has
 * begun to go on there is no second rescue. If nobody can, the caller is told what broke the first answer, never what
 * became of the rescue.
 */
import type { LiveTarget } from '../core/decide/world.ts'
import type { ChatRequest, Message, TokenUsage } from '../schema/chat.ts'
import type { PlanStep } from '../schema/decision.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { Rescue } from '../schema/policy.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import type { Guard } from '../stream/guard.ts'
import { continuation, replay, shown } from '../stream/splice.ts'
import type { Source } from '../stream/tap.ts'
import type { Told } from '../stream/told.ts'
import { attempt } from './attempt.ts'
import type { Call, Carrier } from './call.ts'
import { classify, type Happening } from './classify.ts'
import { CHARS_PER_TOKEN, conclude, tellBegun } from './ended.ts'
import { close, type Trial, trialOf } from './trial.ts'

/** What another target may mend: not a refusal of the content, and not a caller who went away. */
const MENDABLE: ReadonlySet<OutcomeClass> = new Set(['truncated', 'server', 'timeout', 'rate', 'garbage', 'connection', 'auth'])
/** Where a seam that shows breaks the whole. */
const CODE: ReadonlySet<string> = new Set(['code_generation', 'code_understanding'])
/** Behind less than this nobody can be heard to say it again, as who is told to go on may do. */
const TOLD_APART = 16

type By = Rescue['by'][number]

export type Break = { told: Told; usage: TokenUsage | null }
/** Where the call that broke off stood in the plan, and the calls so far, to which each one made here is added. */
export type Rescuing = { step: PlanStep; attempts: AttemptRecord[]; guard: Guard; given_up: boolean }
export type Rescued = { trial: Trial; source: Source }

/** Whether it is worth asking: everything that can be known without a call. */
export function mayRescue({ record, passage }: Call, kind: OutcomeClass, told: Told | null): told is Told {
  return (
    record.plan.rescue !== undefined &&
    passage === undefined &&
    MENDABLE.has(kind) &&
    told !== null &&
    told.obstacle === null &&
    told.text !== ''
  )
}

/** `onTrial` is told of each call as it is made: whoever stops waiting closes it. */
export async function rescue(
  call: Call,
  broken: Break,
  rescuing: Rescuing,
  carrier: Carrier,
  onTrial: (trial: Trial) => void,
): Promise<Rescued | null> {
  const { plan } = call.record
  const { told } = broken
  const { step, attempts, guard } = rescuing
  const open = ways(call, told.text, step, carrier)
  for (let way = open.shift(); way !== undefined; way = open.shift()) {
    const { step: next, target, by } = way
    if (attempts.length >= plan.attempts || guard.remainingMs() <= 0 || rescuing.given_up) return null
    const trial = trialOf(target, next, carrier.effects.nowMs())
    onTrial(trial)
    const tried = await attempt(resumed(call, broken, target, by), trial, next, guard, carrier)
    trial.detail = `${by}, behind ${told.text.length} characters${trial.detail === null ? '' : `: ${trial.detail}`}`
    if (tried.ok && tried.answer.kind === 'stream') {
      tellBegun(call, trial, carrier)
      const { reader, relay } = tried.answer
      return { trial, source: { reader, relay, idle_ms: next.idle_ms, abort: () => close(trial) } }
    }
    const happening = rescuing.given_up ? LEFT : tried.ok ? NOT_STREAMED : tried.happening
    const verdict = classify(happening, {
      target: target.id,
      calls_here: 1,
      is_first: false,
      has_next: true,
      wait_at_most_ms: 0,
      remaining_ms: 0,
      draw: 0,
    })
    attempts.push(conclude(call, trial, { ...verdict, role: 'rescue' }, carrier))
    if (verdict.class === 'cancelled') return null
    // It is alive, and will only have no beginning: asked anew it may well answer, which is known of nobody else that is left.
    if (by === 'continue' && verdict.class === 'client') {
      const anew = open.findIndex(each => each.by === 'restart' && each.target === target)
      open.unshift(...open.splice(anew, anew < 0 ? 0 : 1))
    }
  }
  return null
}

const LEFT: Happening = { what: 'left' }
const NOT_STREAMED: Happening = { what: 'garbage', message: 'a whole answer where a stream was asked for' }

type Way = { step: PlanStep; target: LiveTarget; by: By }

/**
 * In the order to be tried. Whoever goes on from a beginning comes before whoever starts anew, as that most often comes out otherwise. Of
 * the target that just broke off only its steps behind all others: it is the likeliest to say the same again, and to break again.
 */
function ways(call: Call, text: string, broke: PlanStep, carrier: Carrier): Way[] {
  const { steps, rescue, attempts_per_target } = call.record.plan
  const others = steps.filter(step => step.target !== broke.target)
  const again = attempts_per_target > 1 ? steps.filter(step => step.target === broke.target).slice(0, 1) : []
  const found: Way[] = []
  for (const by of rescue?.by ?? []) {
    for (const step of [...others, ...again]) {
      const target = carrier.target(step.target)
      if (target !== undefined && can(by, call, target, text)) found.push({ step, target, by })
    }
  }
  return found
}

function can(by: By, { request, record }: Call, { target, provider }: LiveTarget, text: string): boolean {
  if (by === 'restart') return true
  if (shown(text) === '') return false
  const is_told_apart = shown(text).length >= TOLD_APART
  if (by === 'continue')
    return target.capability.prefill === true && !thinks(request) && (provider.prefill_with?.echoes !== true || is_told_apart)
  return is_told_apart && !CODE.has(record.features.task) && !text.includes('```')
}

/** A target that is to think first does not go on from a beginning: it would think in the middle. */
const thinks = ({ reasoning }: ChatRequest) => reasoning !== null && reasoning.effort !== 'none'

const GO_ON =
  'Your last message was cut off in transit. Continue it exactly where it stops, beginning with the very next character. Do not repeat any of it, do not start over, and do not comment on this.'

function resumed(call: Call, { told, usage }: Break, target: LiveTarget, by: By): Call {
  const { text } = told
  const seam = by === 'restart' ? replay(text) : continuation(text)
  const note = { signalbox: { rescued: { by, target: target.id, behind_chars: text.length } } }
  return {
    ...call,
    request: by === 'restart' ? call.request : begun(bounded(call), shown(text), by),
    resumes: { told, seam, usage, note, by },
  }
}

/** With the policy's bound as its own: what was written before the break counts. */
function bounded({ request, record }: Call): ChatRequest {
  const { output_bound } = record.plan
  return output_bound === undefined ? request : { ...request, max_output_tokens: output_bound.tokens }
}

/** The request with its answer's beginning behind it. */
function begun(request: ChatRequest, beginning: string, by: By): ChatRequest {
  const last = request.messages.at(-1)
  // The caller may have begun the answer himself.
  const messages: Message[] =
    last?.role === 'assistant'
      ? [...request.messages.slice(0, -1), { ...last, parts: [...last.parts, { type: 'text', text: beginning }] }]
      : [...request.messages, { role: 'assistant', parts: [{ type: 'text', text: beginning }] }]
  if (by === 'instruct') messages.push({ role: 'user', parts: [{ type: 'text', text: GO_ON }] })
  const { max_output_tokens } = request
  const left = max_output_tokens === null ? null : Math.max(1, max_output_tokens - Math.ceil(beginning.length / CHARS_PER_TOKEN))
  return { ...request, messages, max_output_tokens: left }
}
