/**
 * Ridge regression over many signs, by conjugate gradients: weights that tell one number of a text. Rows hold dense signs
 * and the buckets of n-grams; nothing is formed that is larger than the rows themselves.
 */

export type Row = { dense: Float32Array; grams: Int32Array }
export type Scorer = (row: Row) => number

/** Each n-gram's size, so that the n-grams of a text together weigh as much as `GRAM_WORTH`. */
const GRAM_WORTH = 2.5

export type RidgeOptions = { lambda: number; buckets: number; rounds?: number; gramWorth?: number }

export function ridge(
  rows: readonly Row[],
  targets: Float64Array,
  { lambda, buckets, rounds = 25, gramWorth = GRAM_WORTH }: RidgeOptions,
  weights?: Float64Array,
): Scorer {
  const wide = rows[0]?.dense.length ?? 0
  const size = buckets + wide
  const n = rows.length
  let mean = 0
  if (weights) {
    let total = 0
    for (let i = 0; i < n; i++) {
      mean += (targets[i] as number) * (weights[i] as number)
      total += weights[i] as number
    }
    mean /= total
  } else for (const target of targets) mean += target / n
  const middle = new Float64Array(wide)
  for (const { dense } of rows) for (let d = 0; d < wide; d++) middle[d] = (middle[d] as number) + (dense[d] as number) / n

  const times = (w: Float64Array, row: Row): number => {
    let sum = 0
    for (const bucket of row.grams) sum += w[bucket] as number
    sum *= row.grams.length > 0 ? gramWorth / Math.sqrt(row.grams.length) : 0
    for (let d = 0; d < wide; d++) sum += (w[buckets + d] as number) * ((row.dense[d] as number) - (middle[d] as number))
    return sum
  }
  const addTo = (w: Float64Array, row: Row, by: number): void => {
    const each = row.grams.length > 0 ? (by * gramWorth) / Math.sqrt(row.grams.length) : 0
    for (const bucket of row.grams) w[bucket] = (w[bucket] as number) + each
    for (let d = 0; d < wide; d++) w[buckets + d] = (w[buckets + d] as number) + by * ((row.dense[d] as number) - (middle[d] as number))
  }

  const solution = new Float64Array(size)
  const residual = new Float64Array(size)
  for (let i = 0; i < n; i++) addTo(residual, rows[i] as Row, ((targets[i] as number) - mean) * (weights?.[i] ?? 1))
  const direction = residual.slice()
  const image = new Float64Array(size)
  let norm = dot(residual, residual)
  const enough = norm * 1e-6
  for (let round = 0; round < rounds && norm > enough; round++) {
    for (let k = 0; k < size; k++) image[k] = lambda * (direction[k] as number)
    for (let i = 0; i < n; i++) {
      const row = rows[i] as Row
      addTo(image, row, times(direction, row) * (weights?.[i] ?? 1))
    }
    const along = norm / dot(direction, image)
    for (let k = 0; k < size; k++) {
      solution[k] = (solution[k] as number) + along * (direction[k] as number)
      residual[k] = (residual[k] as number) - along * (image[k] as number)
    }
    const next = dot(residual, residual)
    const keep = next / norm
    norm = next
    for (let k = 0; k < size; k++) direction[k] = (residual[k] as number) + keep * (direction[k] as number)
  }
  return row => mean + times(solution, row)
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number)
  return sum
}
