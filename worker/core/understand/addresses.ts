/**
 * Postal addresses, by their form: a house number beside a street that says it is one ("12 Oak Road", "Birkenweg 4", "56 rue La Boétie",
 * "ul. Narewska 94"), a flat or suite in a house, a box at a post office, a code of a state with its ZIP. Precision first: a number beside a
 * capital letter alone is none, and neither is a year before "Wall Street". What is found is the part that shows it, and not
 * always all of the lines.
 *
 * Only looked for beside a row of at most six digits, and in a bounded stretch around it.
 */

import { isDigit, isLower, isUpper } from './ascii.ts'

/** Characters before a number and behind it that are read. */
const BEFORE_CHARS = 48
const BEHIND_CHARS = 64
/** A house, a flat, a box, a ZIP. */
export const ADDRESS_DIGITS_MAX = 6

const NAME = "\\p{Lu}[\\p{L}'’.-]*"
const STREET_WORDS =
  'Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Terrace|Parkway|Pkwy|Highway|Hwy|Crescent|Cres|Close|Mews|Court|Ct|Place|Pl|Square|Sq|Way|Circle|Trail'
/** "12 Oak Road", "221B Baker Street": the number stands before, and a word between. */
const ENGLISH = new RegExp(
  `^[A-Za-z]? (?:(?:[NSEW]\\.?|North|South|East|West) )?(?:\\d{1,5} )?(?:${NAME} ){1,4}?(?:${STREET_WORDS})\\b`,
  'u',
)
/** Courts of law and public places that stand behind years and counts. */
const NO_STREET =
  /(?:Hard|Flash|Disk|Disc|Tape|Test) (?:Drive|Dr)\b|(?:Supreme|High|District|Circuit|Appeals?|Superior|Federal|Crown|Tennis|First|Second|Third|Last|Times|Red|Latin) (?:Court|Ct|Place|Square|Sq|Way|Circle)\b/
/** "56 rue La Boétie", "8 bis, avenue des Champs" */
const FRENCH =
  /^(?: ?(?:bis|ter))?,? (?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Cc]hemin|[Aa]llée|[Qq]uai|[Ii]mpasse|[Rr]oute) (?:d[eu]s? |de la |la |le |les |l['’]|d['’]|aux? )*\p{Lu}[\p{L}'’-]+/u
/** "Birkenweg 4", "Søndergade 52": the street's kind is the end of its name. */
const JOINED =
  /(?<![\p{L}-])\p{Lu}\p{L}{2,}(?:straße|strasse|str\.|gasse|weg|allee|vej|vejen|gade|gata|gatan|vägen|vegur|stræti|stígur|laan|straat|dreef|katu|kuja|utca|ulice|ului)$/u
const NO_STREETS = new Set(['Brigade', 'Ausweg', 'Umweg', 'Hinweg', 'Rückweg', 'Feldweg', 'Regata', 'Renegade', 'Palisade'])
/** "ul. Narewska 94", "Rua João Pessoa 1636", "C/ Mayor 5", "Freistädter Strasse 61" */
const APART = new RegExp(
  `(?<![\\p{L}-])(?:(?:ul\\.|ulica|[Rr]ua|[Aa]v(?:d?a|enida)?\\.?|[Cc]alle|C/|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Pp]aseo|[Pp]raça|[Tt]ravessa|[Rr]ue|Λεωφ\\.|ул\\.|улица) ?(?:(?:d[aeio]s?|del|della|delle|dei|de la|la|las|los) )*${NAME}(?: (?:(?:d[aeio]s?|del|della|y|e) )?${NAME}){0,4}|(?:${NAME} ){1,2}(?:Straße|Strasse|Weg|Gasse|Allee|Vej|Vei|vei|veg|gate|Gate))$`,
  'u',
)
/** "Apt. 322", "Suite 858", "P.O. Box 104", "PSC 5217" */
const WITHIN =
  /(?<!\p{L})(?:[Aa]pt\.?|[Aa]partment|[Ss]uite|[Ss]te\.|P\.? ?O\.? ?Box|PO Box|[Pp]ostfach|PSC|Apartado(?: de correos)?)(?: [Nn]o\.?)? ?#?$/u
const SUITE = /[Ss]uite #?$/
/** "CO 70079" behind a comma; "APO AE 18956". */
const STATES =
  'AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR|ON|QC|BC|AB'
const WITH_ZIP = new RegExp(`(?:,\\s{0,3}(?:${STATES})|(?:^|[\\s,])[AFD]PO (?:AA|AE|AP|aa|ae|ap))\\s{1,2}$`)
/** Said to be one: "ZIP: 3520", "my address is 12 Elm", "lives at 7 Rowan". */
const ZIP_LABEL =
  /(?<!\p{L})(?:zip(?: ?code)?|postal code|post ?code|plz|postleitzahl|code postal|código postal|cap|postnummer)(?: is|:| =)? ?$/iu
const PLACE_LABEL =
  /(?<!\p{L})(?:addresse?|adresse|dirección|indirizzo|endereço|live[sd]? (?:at|on)|living at|resid(?:es?|ing) at)(?: is|:| =)?\s{1,2}$/iu
const PLACE = /^[a-z]?,? (?:\d{1,5} )?\p{Lu}\p{L}{2,}/u
/** Times and dates that follow such a label too. */
const NO_PLACE = /^ (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Uhr|Hours|Percent)/

/** Where an address lies that the digits from `first` to `past` are part of, or null. */
export function addressAround(text: string, first: number, past: number, start: number, end: number): { from: number; to: number } | null {
  const digits = past - first
  if (digits > ADDRESS_DIGITS_MAX) return null
  const after = past < end ? text.charCodeAt(past) : 0
  const before = first > start ? text.charCodeAt(first - 1) : 0
  // A sum, a part of a word, a decimal.
  if (before === 0x2d || before === 0x24 || after === 0x25 || (before > 0x2f && before < 0x3a)) return null
  if (mayBeNamed(text, first, start)) {
    const left = text.slice(Math.max(start, first - BEFORE_CHARS), first)
    const found = namedBefore(left, digits) ?? (before === 0x20 ? streetBefore(left.slice(0, -1), digits) : null)
    if (found !== null) return { from: first - found, to: past }
  }
  if (!mayGoOn(text, past, end)) return null
  const right = text.slice(past, Math.min(end, past + BEHIND_CHARS))
  const street = FRENCH.exec(right) ?? (digits <= 5 ? ENGLISH.exec(right) : null)
  if (street !== null && !NO_STREET.test(street[0]) && !isYearOf(text, first, past, start))
    return { from: first, to: past + street[0].length }
  if (PLACE_LABEL.test(text.slice(Math.max(start, first - BEFORE_CHARS), first)) && !NO_PLACE.test(right)) {
    const place = PLACE.exec(right)
    if (place !== null) return { from: first, to: past + place[0].length }
  }
  return null
}

/** How a French street begins, and "bis" and "ter" before it; all else that follows a number begins with a capital or a number. */
const FRENCH_BEGINS = new Set(Array.from('rabpcqit', letter => letter.charCodeAt(0)))

/**
 * Whether a street or a place may stand behind a number: perhaps a letter of the house and a comma, a space, and then what such a thing
 * begins with. Without this, three expressions were tried behind every number.
 */
function mayGoOn(text: string, past: number, end: number): boolean {
  const codeAt = (i: number) => (i < end ? text.charCodeAt(i) : 0)
  let i = past
  const letter = codeAt(i)
  if (isLower(letter | 0x20)) {
    const next = codeAt(i + 1)
    // "8bis rue", "8ter rue"
    if (next !== 0x20 && next !== 0x2c) return (letter === 0x62 && next === 0x69) || (letter === 0x74 && next === 0x65)
    i++
  }
  if (codeAt(i) === 0x2c) i++
  if (codeAt(i) !== 0x20) return false
  const first = codeAt(i + 1)
  return isUpper(first) || isDigit(first) || first > 0x7f || FRENCH_BEGINS.has(first)
}

const LAST_WORDS = /(?:is|at|in|on|code|zip|apt|suite|box|plz|cap|address|road|vei)$/i
/** Whether the word before a number may be a street or a label, from its first and last letter: most numbers are passed over here. */
function mayBeNamed(text: string, first: number, start: number): boolean {
  let last = first - 1
  while (last >= start && (isSpace(text.charCodeAt(last)) || text.charCodeAt(last) === 0x23)) last--
  if (last < start || last === first - 1 || first - last > 4) return false
  const closing = text.charCodeAt(last)
  if (closing === 0x2e || closing === 0x3a) return true
  let i = last
  while (i > start && last - i < 24 && !isSpace(text.charCodeAt(i - 1))) i--
  const opening = text.charCodeAt(i)
  return (opening >= 0x41 && opening <= 0x5a) || opening > 0x7f || LAST_WORDS.test(text.slice(i, last + 1))
}

const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** Characters of what names the number: a flat, a box, a state before its ZIP, "zip code is". */
function namedBefore(left: string, digits: number): number | null {
  const within = WITHIN.exec(left)
  // Music comes in suites as well.
  if (within !== null && (digits >= 3 || !SUITE.test(left))) return within[0].length
  if (digits === 5) {
    const state = WITH_ZIP.exec(left)
    if (state !== null) return state[0].replace(/^[,\s]+/, '').length
  }
  return digits >= 3 && ZIP_LABEL.test(left) ? 0 : null
}

/** Characters of a street, with the space, that ends right before the number of its house. */
function streetBefore(left: string, digits: number): number | null {
  if (digits > 4) return null
  const joined = JOINED.exec(left)
  if (joined !== null && !NO_STREETS.has(joined[0])) return joined[0].length + 1
  const apart = APART.exec(left)
  return apart === null ? null : apart[0].length + 1
}

/** "the 1929 Wall Street crash", "In 1954 Oak Street". */
function isYearOf(text: string, first: number, past: number, start: number): boolean {
  if (past - first !== 4) return false
  const year = Number(text.slice(first, past))
  return (
    year >= 1_500 &&
    year < 2_100 &&
    /(?<!\p{L})(?:in|of|since|the|by|from|until|during|after|before|early|late)[ (]$/iu.test(text.slice(Math.max(start, first - 8), first))
  )
}
