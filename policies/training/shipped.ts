/** The artefact as it is shipped, for everything that runs outside the Worker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArtefact, type Understanding } from '../../worker/core/understand/artefact.ts'

export function shippedModel(): Understanding {
  const file = readFileSync(join(import.meta.dirname, '../understanding.bin'))
  return readArtefact(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer)
}
