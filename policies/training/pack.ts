/** Numbers as bytes, and the artefact's file around them. What is read back is what `worker/core/understand/artefact.ts` says. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type ArtefactHeader, DIMS, OUTPUTS, type Understanding } from '../../worker/core/understand/artefact.ts'
import { DENSE } from '../../worker/core/understand/heads.ts'
import type { Heads } from './ftrl.ts'
import { readNpy } from './npy.ts'

/** Largest value that a byte stands for, as a share of the values: the few beyond it are cut off, so that the others keep their detail. */
const KEPT = 0.9995

/** Values as bytes around 128 with one step per column. */
function quantised(values: Float32Array, columns: number): { bytes: Uint8Array; scale: Float32Array } {
  const scale = new Float32Array(columns)
  const bytes = new Uint8Array(values.length)
  for (let column = 0; column < columns; column++) {
    const sizes: number[] = []
    for (let at = column; at < values.length; at += columns) if (values[at] !== 0) sizes.push(Math.abs(values[at] as number))
    sizes.sort((a, b) => a - b)
    const step = (sizes[Math.floor(sizes.length * KEPT)] ?? sizes.at(-1) ?? 1) / 127
    scale[column] = step
    for (let at = column; at < values.length; at += columns)
      bytes[at] = 128 + Math.max(-127, Math.min(127, Math.round((values[at] as number) / step)))
  }
  return { bytes, scale }
}

const asInts = (bytes: Uint8Array) => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)

/** The vectors alone, with heads that say nothing: what the signs for training are read with. */
export function bare(words: string, table: string, gram_bits: number): Understanding {
  const hashes = readFileSync(words, 'utf8')
    .split('\n')
    .map(line => Number(line.split('\t')[0]))
  const { values, rows, columns } = readNpy(table)
  if (columns !== DIMS || rows !== hashes.length) throw new Error(`a table of ${rows} x ${columns} for ${hashes.length} words`)
  const slots = 2 ** Math.ceil(Math.log2(hashes.length * 1.6))
  const keys = new Int32Array(slots)
  const rowOf = new Uint16Array(slots).fill(0xffff)
  for (const [row, hash] of hashes.entries()) {
    let slot = (hash ^ (hash >>> 16)) & (slots - 1)
    while (rowOf[slot] !== 0xffff) slot = (slot + 1) & (slots - 1)
    keys[slot] = hash
    rowOf[slot] = row
  }
  const vectors = quantised(values, DIMS)
  const header: ArtefactHeader = {
    version: '0',
    licence: '',
    made_from: [],
    sha256: '',
    rows,
    dense: DENSE,
    gram_bits,
    temperature: { task: 1, domain: 1 },
    familiar: { none: -1, full: 0 },
    injection: { middle: 0, steepness: 1 },
    gain: { mean: 0, deviation: 1 },
    scores: {},
    sections: {},
  }
  return {
    header,
    keys,
    rows: rowOf,
    vectors: asInts(vectors.bytes),
    vector_scale: vectors.scale,
    grams: new Int32Array((2 ** gram_bits * OUTPUTS) / 4).fill(0x80808080 | 0),
    gram_scale: new Float32Array(OUTPUTS),
    dense: new Float32Array(OUTPUTS * (DENSE + 1)),
    centroids: new Float32Array(DIMS),
    names: null,
  }
}

/** Middles of `count` neighbourhoods of points of length one: k-means by angle, from evenly spaced starts. */
export function centroidsOf(points: readonly Float32Array[], count: number, rounds = 12): Float32Array {
  const middles = new Float32Array(count * DIMS)
  for (let c = 0; c < count; c++) middles.set(points[Math.floor((c * points.length) / count)] as Float32Array, c * DIMS)
  for (let round = 0; round < rounds; round++) {
    const sums = new Float64Array(count * DIMS)
    for (const point of points) {
      let best = 0
      let most = -2
      for (let c = 0; c < count; c++) {
        let cosine = 0
        for (let d = 0; d < DIMS; d++) cosine += (point[d] as number) * (middles[c * DIMS + d] as number)
        if (cosine > most) {
          most = cosine
          best = c
        }
      }
      for (let d = 0; d < DIMS; d++) sums[best * DIMS + d] = (sums[best * DIMS + d] as number) + (point[d] as number)
    }
    for (let c = 0; c < count; c++) {
      const norm = Math.hypot(...sums.subarray(c * DIMS, (c + 1) * DIMS))
      if (norm > 0) for (let d = 0; d < DIMS; d++) middles[c * DIMS + d] = (sums[c * DIMS + d] as number) / norm
    }
  }
  return middles
}

/** Puts fitted heads where the Worker looks for them, each with its first output's place. */
export function withHeads(model: Understanding, fitted: readonly { at: number; heads: Heads }[]): Understanding {
  const buckets = 2 ** model.header.gram_bits
  const all = new Float32Array(buckets * OUTPUTS)
  const dense = new Float32Array(OUTPUTS * (DENSE + 1))
  for (const { at, heads } of fitted) {
    for (let bucket = 0; bucket < buckets; bucket++)
      for (let k = 0; k < heads.outputs; k++) all[bucket * OUTPUTS + at + k] = heads.grams[bucket * heads.outputs + k] as number
    for (let i = 0; i <= DENSE; i++)
      for (let k = 0; k < heads.outputs; k++) dense[(at + k) * (DENSE + 1) + i] = heads.dense[i * heads.outputs + k] as number
  }
  const grams = quantised(all, OUTPUTS)
  return { ...model, grams: asInts(grams.bytes), gram_scale: grams.scale, dense }
}

/** The file: see the reader for its form. */
export function packed(model: Understanding): Uint8Array {
  const parts: [string, Int32Array | Uint16Array | Float32Array][] = [
    ['keys', model.keys],
    ['rows', model.rows],
    ['vectors', model.vectors],
    ['vector_scale', model.vector_scale],
    ['grams', model.grams],
    ['gram_scale', model.gram_scale],
    ['dense', model.dense],
    ['centroids', model.centroids],
  ]
  const bytesOf = (part: Int32Array | Uint16Array | Float32Array) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
  const hash = createHash('sha256')
  for (const [, part] of parts) hash.update(bytesOf(part))
  const even = (at: number) => Math.ceil(at / 8) * 8
  const sha256 = hash.digest('hex')
  const headerWith = (start: number): Uint8Array => {
    let at = start
    const sections: ArtefactHeader['sections'] = {}
    for (const [name, part] of parts) {
      sections[name] = { at, length: part.byteLength }
      at = even(at + part.byteLength)
    }
    return new TextEncoder().encode(JSON.stringify({ ...model.header, sha256, sections }))
  }
  // The header tells where the sections are, and its own length moves them: a fixed room for it ends the circle.
  const start = even(8 + headerWith(10 ** 7).length + 8)
  const header = headerWith(start)
  const end = parts.reduce((at, [, part]) => even(at + part.byteLength), start)
  const file = new Uint8Array(end)
  file.set(new TextEncoder().encode('SBU1'), 0)
  new DataView(file.buffer).setUint32(4, header.length, true)
  file.set(header, 8)
  let at = start
  for (const [, part] of parts) {
    file.set(bytesOf(part), at)
    at = even(at + part.byteLength)
  }
  return file
}
