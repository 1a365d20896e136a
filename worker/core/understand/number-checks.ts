/**
 * Whether a row of digits can be what it looks like: the checks that cards, IBANs, social security numbers, telephone numbers of North
 * America and IP addresses carry within them. Each says only that a number is well made; what stands around it is `numbers.ts`'s business.
 */
import { isDigit } from './ascii.ts'

/** Luhn's check (ISO/IEC 7812-1), whatever digit comes first. */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30
    const twice = digit * 2
    sum += i % 2 === 0 ? digit : twice > 9 ? twice - 9 : twice
  }
  return sum % 10 === 0
}

/** Numbers of a network that is in use begin with 2 to 6. */
export function isOfCardNetwork(digits: string): boolean {
  const first = digits.charCodeAt(0)
  return first >= 0x32 && first <= 0x36
}

/** Never given out: area 000, 666 or 9xx, group 00, serial 0000. */
export function isSsn(digits: string): boolean {
  const area = Number(digits.slice(0, 3))
  return area > 0 && area !== 666 && area < 900 && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000'
}

/** Area code and exchange both begin with 2 to 9. */
export function isNanp(digits: string): boolean {
  const local = digits.length === 11 ? digits.slice(1) : digits
  return local.charCodeAt(0) >= 0x32 && local.charCodeAt(3) >= 0x32
}

/** Four numbers up to 255, `shape` their lengths. The loopback and unspecified addresses are nobody's. */
export function isIpv4(digits: string, shape: string): boolean {
  const lengths = shape.split('.')
  if (lengths.length !== 4) return false
  let at = 0
  const bytes: number[] = []
  for (const length of lengths) {
    const part = digits.slice(at, at + Number(length))
    at += Number(length)
    if (!(Number(part) <= 255) || part.length > 3 || (part.length > 1 && part.startsWith('0'))) return false
    bytes.push(Number(part))
  }
  const network = bytes[0] as number
  // Small numbers in all four places are a version.
  return network !== 0 && network !== 127 && network < 240 && bytes.some(byte => byte > 20)
}

export const IBAN_MIN = 15
export const IBAN_MAX = 34

/** Letters and digits, in capitals and without spaces, whose remainder by 97 is 1 (ISO 13616). */
export function isIban(compact: string): boolean {
  if (compact.length < IBAN_MIN || compact.length > IBAN_MAX) return false
  if (!isDigit(compact.charCodeAt(2)) || !isDigit(compact.charCodeAt(3))) return false
  let remainder = 0
  for (let i = 0; i < compact.length; i++) {
    const code = compact.charCodeAt((i + 4) % compact.length)
    remainder = isDigit(code) ? (remainder * 10 + code - 0x30) % 97 : (remainder * 100 + code - 0x37) % 97
  }
  return remainder === 1
}
