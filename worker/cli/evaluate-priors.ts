/**
 * From answers that passed to quality rows on the catalogue's scale. The share that passes depends on how hard a suite is; so the
 * suite is first put on the scale by the targets whose quality is published: in logits, what they should have reached less what they
 * did, on average, is what this suite is off by. Each target's own rate per task, moved by that, is its measured prior; its doubt is
 * the binomial one of so few prompts, and never below what prompts of others would add.
 */
import type { QualityRow } from '../schema/catalogue.ts'
import { TASKS, type Task } from '../schema/features.ts'

export type Tally = { passed: number; graded: number }
/** One target's answers by task. `published`: its prior by task, by index in `TASKS`; null where nothing is. */
export type Measured = { target: string; tallies: Map<Task, Tally>; published: Float64Array | null }

/** Doubt of any suite: these prompts are not yours. */
const FLOOR = 0.05
/** So many published targets make a task's own anchor; fewer share one over all tasks. */
const ANCHORS_LEAST = 3

const logit = (share: number) => Math.log(share / (1 - share))
const logistic = (value: number) => 1 / (1 + Math.exp(-value))
/** Half an answer on each side, or 18 of 18 would be certainty. */
const rateOf = ({ passed, graded }: Tally) => (passed + 0.5) / (graded + 1)

/** How far the suite is off the scale, by task, in logits. Zero everywhere where no target's quality is published. */
export function anchors(all: readonly Measured[]): Map<Task, number> {
  const gaps = (task: Task) =>
    all.flatMap(({ tallies, published }) => {
      const tally = tallies.get(task)
      return published && tally && tally.graded > 0 ? [logit(published[TASKS.indexOf(task)] as number) - logit(rateOf(tally))] : []
    })
  const every = TASKS.flatMap(gaps)
  const overall = every.length > 0 ? mean(every) : 0
  return new Map(
    TASKS.map(task => {
      const own = gaps(task)
      return [task, own.length >= ANCHORS_LEAST ? mean(own) : overall]
    }),
  )
}

export function measuredRows({ tallies }: Measured, offsets: ReadonlyMap<Task, number>, day: string): QualityRow[] {
  return [...tallies].flatMap(([task, tally]) => {
    if (tally.graded === 0) return []
    const rate = rateOf(tally)
    const score = logistic(logit(rate) + (offsets.get(task) ?? 0))
    // The deviation of the rate, carried along the curve to where the score lies on it.
    const deviation = (Math.sqrt((rate * (1 - rate)) / (tally.graded + 1)) * score * (1 - score)) / (rate * (1 - rate))
    return [
      {
        task,
        score: rounded(score),
        uncertainty: rounded(Math.min(0.5, Math.hypot(deviation, FLOOR))),
        benchmark: `signalbox suite ${tally.passed}/${tally.graded}`,
        source: { name: 'signalbox evaluate', as_of: day },
      },
    ]
  })
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const rounded = (value: number) => Math.round(value * 1_000) / 1_000
