/**
 * What was learned offline, as one file of numbers: word vectors, n-gram weights, heads. It is handed in as bytes and read in
 * place: a header in JSON says where each section lies, and each becomes a typed array over the same memory. Nothing is copied or
 * decoded, so that loading costs an isolate's start almost nothing beyond the bytes themselves.
 *
 *     "SBU1" | length of the header | header, JSON, padded to 8 bytes | sections, each at a multiple of 8
 *
 * Numbers are little-endian, as on every machine that runs this. Made by `policies/training/`, which documents how.
 */
import { type NameTable, readNameTable } from './name-table.ts'

/** Numbers in a word's vector, and what the heads tell: tasks, domains, and three single ones, in rows that fill whole words of memory. */
export const DIMS = 64
export const OUTPUTS = 24
const MAGIC = 0x31554253 // SBU1

/** Made by our own build and never by a caller, so it is believed and not checked: a schema would cost more than all the rest. */
export type ArtefactHeader = {
  version: string
  licence: string
  made_from: string[]
  /** SHA-256 of all that follows the header, in hex, without what fills it up to multiples of 8. */
  sha256: string
  rows: number
  dense: number
  gram_bits: number
  /** Divides the sums before the softmax, for tasks and for domains: stated confidence is then measured accuracy. */
  temperature: { task: number; domain: number }
  /** Cosines to the nearest known neighbourhood between which a text is unlike all that was seen, and like it. */
  familiar: { none: number; full: number }
  /** Where the raw injection score is even odds, and how steep it is; as fitted on sources that were not trained on. */
  injection: { middle: number; steepness: number }
  /** Spread of the gain score over known prompts, by which it is told as a difficulty. */
  gain: { mean: number; deviation: number }
  /** Measured when it was made; `policies/training/README.md` says how. */
  scores: Record<string, number>
  sections: Record<string, { at: number; length: number }>
}

export type Understanding = {
  header: ArtefactHeader
  /** Open-addressed table from a word's hash to its row; 65,535 where there is none. */
  keys: Int32Array
  rows: Uint16Array
  /** Bytes around 128, four to a number, sixteen numbers to a row; and what one step is worth, by dimension. */
  vectors: Int32Array
  vector_scale: Float32Array
  /** The same for n-grams: six numbers to a bucket, one byte for each output. */
  grams: Int32Array
  gram_scale: Float32Array
  /** Weights of the dense features, one row of `dense + 1` for each output; the last is the constant. */
  dense: Float32Array
  /** Middles of neighbourhoods of known texts, normalised. */
  centroids: Float32Array
  /** The lists of names, a file of their own; null where they were not loaded. */
  names: NameTable | null
}

/** Fails where the bytes are not an artefact of this form: a build mistake, so it throws. */
export function readArtefact(bytes: ArrayBuffer, name_bytes: ArrayBuffer | null = null): Understanding {
  const head = new Uint32Array(bytes, 0, 2)
  if (head[0] !== MAGIC) throw new Error('these bytes are no understanding artefact')
  const text = new TextDecoder().decode(new Uint8Array(bytes, 8, head[1]))
  const header = JSON.parse(text) as ArtefactHeader
  const place = (name: string) => {
    const found = header.sections[name]
    if (!found) throw new Error(`the understanding artefact lacks its section "${name}"`)
    return found
  }
  const ints = (name: string) => new Int32Array(bytes, place(name).at, place(name).length / 4)
  const floats = (name: string) => new Float32Array(bytes, place(name).at, place(name).length / 4)
  return {
    header,
    keys: ints('keys'),
    rows: new Uint16Array(bytes, place('rows').at, place('rows').length / 2),
    vectors: ints('vectors'),
    vector_scale: floats('vector_scale'),
    grams: ints('grams'),
    gram_scale: floats('gram_scale'),
    dense: floats('dense'),
    centroids: floats('centroids'),
    names: name_bytes && readNameTable(name_bytes),
  }
}
