/**
 * How hard a request looks, 0 to 1. A weak signal: text can be made to look hard, and length misleads as often as not, so
 * each term is bounded, none moves it by more than a quarter, and it only ever shifts a prior. Nobody is told to go anywhere
 * by what a prompt says of itself.
 */
import type { Features, Task } from '../../schema/features.ts'
import { cueIndex } from './lexicon.ts'
import type { Signals } from './signals.ts'

/** Where a task begins: how often small models fail at it, in the public results by task. */
const OF_TASK: Record<Task, number> = {
  code_generation: 0.48,
  code_understanding: 0.5,
  mathematics: 0.55,
  reasoning: 0.6,
  factual_question: 0.4,
  grounded_question: 0.35,
  summary: 0.3,
  extraction: 0.25,
  rewriting: 0.25,
  creative_writing: 0.35,
  conversation: 0.15,
  agentic: 0.5,
}
/** An errand told to somebody who has no tools is talked about, and not run. */
const OF_TALK = 0.3
/** What is known of a request of unknown task. */
const AVERAGE = 0.4

/** What graded prompts taught, within two deviations: at most a tenth either way, as text can be made to look hard. */
const GAIN_WORTH = 0.05

const HARD = cueIndex('hard')
const EASY = cueIndex('easy')

/** `gain`: how much more than usual a strong model gains on such text, in deviations; 0 where nothing was learned. */
export function difficultyOf(
  cues: Float64Array,
  form: Signals,
  features: Pick<Features, 'task' | 'task_confidence' | 'last_turn_tokens' | 'tools' | 'tool_results' | 'reasoning_requested'>,
  gain: number,
): number {
  const isTalk = features.task === 'agentic' && features.tools === 0 && !features.tool_results
  const of_task = isTalk ? OF_TALK : OF_TASK[features.task]
  let difficulty = AVERAGE + (of_task - AVERAGE) * Math.min(1, features.task_confidence * 1.5)
  // Each doubling of the turn's length beyond a line or two adds a little, up to some thousand tokens; each halving takes it off, twice at most.
  difficulty += 0.025 * Math.min(6, Math.max(-2, Math.log2((features.last_turn_tokens + 1) / 32)))
  difficulty += 0.06 * Math.min(4, cues[HARD] as number)
  difficulty -= 0.07 * Math.min(3, cues[EASY] as number)
  if (isReckoning(features.task)) difficulty += 0.2 * Math.min(1, form.math_share * 2)
  difficulty += GAIN_WORTH * gain
  if (form.items >= 4) difficulty += 0.05
  if (features.tools > 8) difficulty += 0.05
  if (features.reasoning_requested) difficulty += 0.1
  return Math.min(1, Math.max(0, difficulty))
}

/** Figures and operators are the matter of these; elsewhere they are dates, patterns and code. */
const isReckoning = (task: Task) => task === 'mathematics' || task === 'reasoning'
