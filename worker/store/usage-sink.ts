/**
 * A second place for usage rows, where one is bound: a bucket (R2) that gets every batch as a file of JSON lines, for a warehouse to read. D1 stays
 * what bills and budgets' books are compared with; see `SCALING.md` for when that ends and this is what goes on.
 *
 * A batch counts as delivered when both have it. A file that was written and a batch that then failed is written again, perhaps cut otherwise:
 * at least once, so whoever reads drops what has the same `decision_id` and keeps the later `settled_at_ms`.
 */
import type { Pending } from './usage-journal.ts'
import { rowOf } from './usage-row.ts'

/** Takes a batch whole or throws. */
export type UsageSink = (org: string, rows: readonly Pending[]) => Promise<void>

type Bucket = Pick<R2Bucket, 'put'>

/** Null where none is bound: then nothing of this runs. */
export function sinkOf(env: object): UsageSink | null {
  const { USAGE_SINK } = env as { USAGE_SINK?: Bucket }
  return USAGE_SINK ? bucketSink(USAGE_SINK) : null
}

/** `usage/<day>/<org>/<first>-<last>.jsonl`, by the numbers of the object's journal, which are never used twice. */
export function bucketSink(bucket: Bucket): UsageSink {
  return async (org, rows) => {
    const [first, last] = [rows[0], rows.at(-1)]
    if (!first || !last) return
    const day = new Date(first.at_ms).toISOString().slice(0, 10)
    const text = rows.map(({ intended, settled }) => `${JSON.stringify(rowOf(intended, settled))}\n`).join('')
    const options = { httpMetadata: { contentType: 'application/x-ndjson' } }
    if (!(await bucket.put(`usage/${day}/${org}/${first.seq}-${last.seq}.jsonl`, text, options)))
      throw new Error('the sink did not take the batch')
  }
}
