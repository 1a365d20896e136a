/**
 * What the learned heads say of a turn, in the words of `task.ts`: task and domain with their chances, how much a strong model would
 * gain, how like an attack it reads. What the conversation does still outweighs what a turn says: tools offered, and results to go on
 * from, are added to the sum of the agentic task, because an agent's prompts speak for everything.
 */
import { DOMAINS, type Domain, TASKS, type Task } from '../../schema/features.ts'
import { OUTPUTS, type Understanding } from './artefact.ts'
import { DOMAIN_AT, familiarity, GAIN_AT, INJECTION_AT, noSigns, outputsOf, signsOf, TASK_AT } from './heads.ts'
import type { Signals } from './signals.ts'
import type { Judgement, Setting } from './task.ts'
import type { Words } from './words.ts'

export type Learned = {
  judgement: Judgement
  /** In deviations from the known prompts' mean, within two; drawn to nothing on what is unlike them. */
  gain: number
  /** 0..1; a half where one harmless text in some two hundred would stand. */
  injection: number
}

const AGENTIC = TASKS.indexOf('agentic')
const GAIN_MOST = 2
/** Sums of a text unlike anything known count this much: its best guess stays the best, at hardly more than even odds. */
const UNFAMILIAR_WORTH = 0.35

const signs = noSigns()
const outputs = new Float64Array(OUTPUTS)

export function learnedOf(text: string, words: Words, cues: Float64Array, form: Signals, setting: Setting, model: Understanding): Learned {
  signsOf(text, words, cues, form, model, signs)
  outputsOf(signs, model, outputs)
  const familiar = familiarity(signs, model)
  const worth = UNFAMILIAR_WORTH + (1 - UNFAMILIAR_WORTH) * familiar
  const { temperature, injection, gain } = model.header
  for (let i = 0; i < TASKS.length; i++) outputs[TASK_AT + i] = ((outputs[TASK_AT + i] as number) * worth) / temperature.task
  outputs[TASK_AT + AGENTIC] = (outputs[TASK_AT + AGENTIC] as number) + actingOf(setting)
  for (let i = 0; i < DOMAINS.length; i++) outputs[DOMAIN_AT + i] = ((outputs[DOMAIN_AT + i] as number) * worth) / temperature.domain
  const task = bestOf(TASK_AT, TASKS.length)
  const domain = bestOf(DOMAIN_AT, DOMAINS.length)
  const deviations = ((outputs[GAIN_AT] as number) - gain.mean) / gain.deviation
  return {
    judgement: {
      task: TASKS[task] as Task,
      task_confidence: chanceOf(TASK_AT, TASKS.length, task),
      domain: DOMAINS[domain] as Domain,
      domain_confidence: chanceOf(DOMAIN_AT, DOMAINS.length, domain),
    },
    gain: familiar * Math.max(-GAIN_MOST, Math.min(GAIN_MOST, deviations)),
    injection: 1 / (1 + Math.exp(injection.steepness * (injection.middle - (outputs[INJECTION_AT] as number)))),
  }
}

/** What tools and their results add to the agentic sum. */
function actingOf({ tools, tool_required, tool_results, at_work }: Setting): number {
  return (tools > 0 ? 4 : 0) + (tool_required ? 2 : 0) + (tool_results ? 2 : 0) + (at_work ? 5 : 0)
}

function bestOf(at: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) if ((outputs[at + i] as number) > (outputs[at + best] as number)) best = i
  return best
}

function chanceOf(at: number, count: number, index: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += Math.exp((outputs[at + i] as number) - (outputs[at + index] as number))
  return 1 / sum
}
