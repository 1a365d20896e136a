/**
 * What a key looks like. A caller's: `sk-sb1_`, an id of 11 characters that may be shown and logged, a secret of 43 (256 bits)
 * that may not, and a checksum of 6. The prefix lets secret scanners find a key that was committed somewhere; the checksum
 * refuses typing errors and random guesses before any storage is read. An admin's differs in its prefix only.
 */
export const KEY_PREFIX = 'sk-sb1_'
export const ADMIN_KEY_PREFIX = 'sk-sbadm_'
const ID_CHARS = 11
const SECRET_CHARS = 43
const SUM_CHARS = 6
export const KEY_CHARS = KEY_PREFIX.length + ID_CHARS + SECRET_CHARS + SUM_CHARS

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export type KeyParts = { key_id: string; secret: string }

/** The parts of a well-formed key whose checksum is right; null for everything else. */
export function readKey(text: string, prefix = KEY_PREFIX): KeyParts | null {
  if (text.length !== prefix.length + ID_CHARS + SECRET_CHARS + SUM_CHARS || !text.startsWith(prefix)) return null
  const body = text.slice(prefix.length, -SUM_CHARS)
  // The checksum is over letters and digits only, so a body with anything else cannot have passed `writeKey`.
  if (checksum(body) !== text.slice(-SUM_CHARS) || !/^[0-9A-Za-z]+$/.test(body)) return null
  return { key_id: body.slice(0, ID_CHARS), secret: body.slice(ID_CHARS) }
}

export function writeKey({ key_id, secret }: KeyParts, prefix = KEY_PREFIX): string {
  return prefix + key_id + secret + checksum(key_id + secret)
}

/** `random` gives that many random bytes. Bytes that would make some characters likelier than others are thrown away. */
export function newKeyParts(random: (count: number) => Uint8Array): KeyParts {
  let text = ''
  while (text.length < ID_CHARS + SECRET_CHARS) {
    for (const byte of random(64)) if (byte < 248) text += ALPHABET[byte % 62]
  }
  return { key_id: text.slice(0, ID_CHARS), secret: text.slice(ID_CHARS, ID_CHARS + SECRET_CHARS) }
}

/** CRC-32 (IEEE 802.3, reflected), written in 6 base-62 digits. */
function checksum(text: string): string {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ text.charCodeAt(i)) & 0xff] ?? 0)
  let rest = (crc ^ 0xffffffff) >>> 0
  let digits = ''
  for (let i = 0; i < SUM_CHARS; i++) {
    digits = ALPHABET[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})
