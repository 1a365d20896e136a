/**
 * Internet addresses and ranges of them: is this caller inside what its key is kept to? An IPv4 address is one of IPv6 (`::ffff:a.b.c.d`, RFC
 * 4291 section 2.5.5.2), so that every spelling of an address is the same sixteen bytes, and a range of one kind never holds
 * an address of the other by accident.
 *
 * What is not an address in full is none: no leading zeros, no octal or hexadecimal parts, no zone.
 */
const BYTES = 16
const V4_PREFIX_BITS = 96

export type Range = { bytes: Uint8Array; bits: number }

/** `2001:db8::/32`, `192.0.2.0/24`, or one address. Bits beyond the prefix mean nothing. Null for anything else. */
export function rangeOf(text: string): Range | null {
  const [address = '', prefix, ...more] = text.split('/')
  const bytes = bytesOf(address)
  if (bytes === null || more.length > 0) return null
  const isV4 = !address.includes(':')
  const most = isV4 ? 32 : 8 * BYTES
  if (prefix === undefined) return { bytes, bits: 8 * BYTES }
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > most) return null
  return { bytes, bits: Number(prefix) + (isV4 ? V4_PREFIX_BITS : 0) }
}

export function isInside(address: string, ranges: readonly Range[]): boolean {
  const bytes = bytesOf(address)
  return bytes !== null && ranges.some(range => holds(range, bytes))
}

function holds({ bytes, bits }: Range, address: Uint8Array): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff00 >> (bits - bit)) & 0xff
    if ((((bytes[bit / 8] ?? 0) ^ (address[bit / 8] ?? 0)) & mask) !== 0) return false
  }
  return true
}

function bytesOf(text: string): Uint8Array | null {
  const v4 = v4Bytes(text)
  if (v4 !== null) return Uint8Array.from([...Array(10).fill(0), 0xff, 0xff, ...v4])
  const halves = text.split('::')
  if (halves.length > 2 || text.length > 45) return null
  const [head, tail] = [groupsOf(halves[0] ?? ''), groupsOf(halves[1] ?? '')]
  if (head === null || tail === null) return null
  const missing = BYTES - head.length - tail.length
  // A double colon stands for at least one group of zeros; without one, all must be there.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null
  return Uint8Array.from([...head, ...Array(missing).fill(0), ...tail])
}

/** Groups of four hexadecimal digits as bytes; the last may be an IPv4 address. */
function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [at, group] of groups.entries()) {
    const v4 = at === groups.length - 1 ? v4Bytes(group) : null
    if (v4 !== null) bytes.push(...v4)
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff)
    else return null
  }
  return bytes
}

function v4Bytes(text: string): number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null
  return parts.map(Number)
}
