/** Reads a matrix of 32-bit floats as numpy's `save` writes it: a header in Python's notation, then the numbers, row by row. */
import { readFileSync } from 'node:fs'

export type Matrix = { rows: number; columns: number; values: Float32Array }

export function readNpy(path: string): Matrix {
  const bytes = readFileSync(path)
  const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString('latin1')
  const shape = /'descr': '<f4', 'fortran_order': False, 'shape': \((\d+), (\d+)\)/.exec(header)
  if (!shape) throw new Error(`${path} is no matrix of 32-bit floats in row order: ${header}`)
  const at = bytes.byteOffset + 10 + bytes.readUInt16LE(8)
  const [rows, columns] = [Number(shape[1]), Number(shape[2])]
  return { rows, columns, values: new Float32Array(bytes.buffer.slice(at, at + 4 * rows * columns)) }
}
