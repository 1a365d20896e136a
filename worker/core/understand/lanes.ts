/**
 * Adds rows of bytes, four at a time. A row is stored as 32-bit numbers of four bytes each; even and odd bytes are added apart, in two
 * lanes of 16 bits, so one addition does the work of two and nothing is multiplied. Bytes stand for values around 128. A lane
 * holds 257 additions of 255; it is emptied before that.
 */

/** Additions after which the lanes are emptied. */
const FULL = 256
const EVEN = 0x00ff00ff

export type Lanes = { numbers: number; even: Int32Array; odd: Int32Array; added: number; sums: Float64Array; fetched: number }

/** Room to add rows of `numbers` 32-bit numbers, an even number of them, four values in each. */
export function lanes(numbers: number): Lanes {
  return { numbers, even: new Int32Array(numbers), odd: new Int32Array(numbers), added: 0, sums: new Float64Array(numbers * 4), fetched: 0 }
}

export function clear(lanes: Lanes): void {
  lanes.even.fill(0)
  lanes.odd.fill(0)
  lanes.sums.fill(0)
  lanes.added = 0
}

/** Adds the first `count` of `rows`, once each is near. */
export function addRows(lanes: Lanes, table: Int32Array, rows: Int32Array, count: number): void {
  lanes.fetched = fetched(lanes.numbers, table, rows, count)
  for (let i = 0; i < count; i++) addRow(lanes, table, rows[i] as number)
}

/**
 * Reads a little of each row. They lie all over a table larger than the processor's near memory, and waiting for one takes as long as
 * fifty additions; a loop that does nothing but read waits for many at once. Its sum means nothing, and is kept so that the
 * reading is not left out.
 */
function fetched(numbers: number, table: Int32Array, rows: Int32Array, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const at = (rows[i] as number) * numbers
    sum = (sum + (table[at] as number) + (table[at + numbers - 1] as number)) | 0
  }
  return sum
}

function addRow(lanes: Lanes, table: Int32Array, row: number): void {
  const { numbers, even, odd } = lanes
  let at = row * numbers
  // Two at a time: the loop costs as much as the sums. Rows have an even number of numbers.
  for (let i = 0; i < numbers; i += 2) {
    const a = table[at++] as number
    const b = table[at++] as number
    even[i] = (even[i] as number) + (a & EVEN)
    odd[i] = (odd[i] as number) + ((a >>> 8) & EVEN)
    even[i + 1] = (even[i + 1] as number) + (b & EVEN)
    odd[i + 1] = (odd[i + 1] as number) + ((b >>> 8) & EVEN)
  }
  if (++lanes.added === FULL) empty(lanes)
}

/** Sums of what was added since it was cleared, in the order of the bytes. */
export function sumsOf(lanes: Lanes): Float64Array {
  empty(lanes)
  return lanes.sums
}

function empty(lanes: Lanes): void {
  const { numbers, even, odd, sums, added } = lanes
  if (added === 0) return
  const zero = 128 * added
  for (let i = 0; i < numbers; i++) {
    const e = even[i] as number
    const o = odd[i] as number
    const at = 4 * i
    sums[at] = (sums[at] as number) + (e & 0xffff) - zero
    sums[at + 1] = (sums[at + 1] as number) + (o & 0xffff) - zero
    sums[at + 2] = (sums[at + 2] as number) + (e >>> 16) - zero
    sums[at + 3] = (sums[at + 3] as number) + (o >>> 16) - zero
    even[i] = 0
    odd[i] = 0
  }
  lanes.added = 0
}
