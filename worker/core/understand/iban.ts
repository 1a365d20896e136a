/**
 * Bank account numbers (IBAN), in capitals or small, in one piece or in groups of four. Two letters and two digits begin many things, so a
 * find has the length that its country gives and leaves the remainder 1 by 97; in capitals the remainder is enough for a country not listed.
 */
import { isDigit, isUpper, isWord } from './ascii.ts'
import { IBAN_MAX, IBAN_MIN, isIban } from './number-checks.ts'

/** Characters by country, of the registry of ISO 13616 (release 99, 2024). */
const LENGTHS = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 ' +
    'GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 ' +
    'NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20'
  )
    .split(' ')
    .map(each => [each.slice(0, 2), Number(each.slice(2))]),
)

/** Where the IBAN ends of which the first digit stands at `digit`, two behind its beginning; 0 where there is none. */
export function pastIban(text: string, digit: number, start: number, end: number): number {
  const first = digit - 2
  if (first < start || (first > start && isWord(text.charCodeAt(first - 1)))) return 0
  const country = text.slice(first, digit)
  const length = LENGTHS.get(country.toUpperCase())
  const capitals = isUpper(country.charCodeAt(0)) && isUpper(country.charCodeAt(1))
  if (length === undefined && !capitals) return 0
  const most = length ?? IBAN_MAX
  let compact = ''
  let group = 0
  let past = 0
  for (let i = first; i < end && compact.length < most; i++) {
    const code = text.charCodeAt(i)
    if (isDigit(code) || (capitals ? isUpper(code) : isWord(code))) {
      compact += text[i]
      group++
      past = i + 1
    } else if (code === 0x20 && group === 4) {
      group = 0
      if (length === undefined && compact.length >= IBAN_MIN && isIban(compact)) break
    } else break
  }
  const whole = compact.length === length || (length === undefined && capitals)
  const ends = past >= end || !isWord(text.charCodeAt(past))
  return whole && ends && isIban(compact.toUpperCase()) ? past : 0
}
