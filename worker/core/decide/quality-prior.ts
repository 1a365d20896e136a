/**
 * What benchmarks say about a target before anything is learned, laid out for reading by task.
 */
import type { QualityRow } from '../../schema/catalogue.ts'
import { TASKS } from '../../schema/features.ts'

/** How far a target's quality on one task lies from its quality overall: one standard deviation over the rows of the bundled catalogue (0.080 on 2026-11-24). */
const TASK_SPREAD = 0.08
/** Where a target has no figure at all: the middle, with so much doubt that any evidence outweighs it. */
const UNKNOWN = { score: 0.4, uncertainty: 0.25 }

/**
 * Prior quality per task. A benchmark says something about its task and the overall figure says something about every
 * task, so each task's prior is their mean weighted by precision (the inverse of squared doubt): a sharp benchmark stands
 * nearly alone, a vague one moves toward the overall figure, and a task without one takes the overall figure with the
 * doubt that tasks differ.
 */
export function qualityByTask(rows: QualityRow[]): { quality: Float64Array; quality_uncertainty: Float64Array } {
  const precision = new Float64Array(TASKS.length)
  const weighted = new Float64Array(TASKS.length)
  let overall_precision = 0
  let overall_weighted = 0
  for (const row of rows) {
    // A row that claims no doubt at all still has some: 0.01 keeps its weight finite.
    const row_precision = 1 / Math.max(row.uncertainty, 0.01) ** 2
    if (row.task === null) {
      overall_precision += row_precision
      overall_weighted += row_precision * row.score
    } else {
      const index = TASKS.indexOf(row.task)
      precision[index] = (precision[index] ?? 0) + row_precision
      weighted[index] = (weighted[index] ?? 0) + row_precision * row.score
    }
  }
  const known = overall_precision > 0
  const mean = known ? overall_weighted / overall_precision : UNKNOWN.score
  const variance = known ? 1 / overall_precision + TASK_SPREAD ** 2 : UNKNOWN.uncertainty ** 2
  const quality = new Float64Array(TASKS.length)
  const quality_uncertainty = new Float64Array(TASKS.length)
  for (let index = 0; index < TASKS.length; index += 1) {
    const total = (precision[index] ?? 0) + 1 / variance
    quality[index] = ((weighted[index] ?? 0) + mean / variance) / total
    quality_uncertainty[index] = Math.sqrt(1 / total)
  }
  return { quality, quality_uncertainty }
}
