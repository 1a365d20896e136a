import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DIMS, OUTPUTS, readArtefact } from '../../../worker/core/understand/artefact.ts'
import { rowOf } from '../../../worker/core/understand/embedding.ts'
import { DENSE } from '../../../worker/core/understand/heads.ts'
import { appendWords, noWords } from '../../../worker/core/understand/words.ts'

const file = readFileSync('policies/understanding.bin')
const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer
const model = readArtefact(bytes)

describe('the artefact', () => {
  it('has the shape that the code reads', () => {
    expect(model.header.dense).toBe(DENSE)
    expect(model.vectors.length).toBe((model.header.rows * DIMS) / 4)
    expect(model.grams.length).toBe((2 ** model.header.gram_bits * OUTPUTS) / 4)
    expect(model.dense.length).toBe(OUTPUTS * (DENSE + 1))
  })
  it('says what it was made from, under which licence, and how good it is', () => {
    expect(model.header.licence).toBe('Apache-2.0')
    expect(model.header.made_from.length).toBeGreaterThan(0)
    expect(Object.keys(model.header.scores).length).toBeGreaterThan(5)
  })
  it('is what its hash says', () => {
    const hash = createHash('sha256')
    for (const { at, length } of Object.values(model.header.sections)) hash.update(new Uint8Array(bytes, at, length))
    expect(hash.digest('hex')).toBe(model.header.sha256)
  })
  it('stays small enough for a Worker, at three megabytes', () => {
    expect(bytes.byteLength).toBeLessThan(3_100_000)
  })
  it('is read in place: its numbers lie in the bytes that were handed in', () => {
    expect(model.vectors.buffer).toBe(bytes)
    expect(model.grams.buffer).toBe(bytes)
  })
  it('knows everyday words, and not what nobody writes', () => {
    const row = (word: string) => {
      const words = noWords()
      appendWords(words, word, 0, word.length)
      return rowOf(words.hashes[0] as number, model)
    }
    expect(row('translate')).toBeGreaterThanOrEqual(0)
    expect(row('Translate')).toBe(row('translate'))
    expect(row('zzqxjv')).toBe(-1)
  })
  it('is refused when it is something else', () => {
    expect(() => readArtefact(new ArrayBuffer(64))).toThrow('no understanding artefact')
  })
})
