/**
 * The learned part of understanding, read once per isolate and on first need. Its bytes come with the Worker as a data module; the
 * typed arrays lie over them in place.
 */
import name_bytes from '../../policies/names.bin'
import bytes from '../../policies/understanding.bin'
import { readArtefact, type Understanding } from '../core/understand/artefact.ts'

let read: Understanding | undefined

export function understanding(): Understanding {
  read ??= readArtefact(bytes, name_bytes)
  return read
}
