/**
 * Dates of birth: a date of the last hundred and some years right behind a word that says so ("born on 2/8/1935", "DOB: 1990-01-02", "geboren am
 * 3. Mai 1980", "née le 14 mars 1975"). Other dates are none, and neither are years alone.
 */

const BEFORE_CHARS = 40
const BEHIND_CHARS = 32
const MONTHS =
  'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|jan|mrt|mei|sty|lut|kwi|maj|cze|lip|sie|wrz|paź|lis|gru'
const MONTH = `(?:${MONTHS})\\p{L}{0,7}\\.?`
/** What ends right before the date, or before its month: "born on ", "birthday is May ". */
const LABEL = new RegExp(
  `(?<!\\p{L})(?:born(?: on)?|birthday|date of birth|d\\.?o\\.?b\\.?|birth ?date|geboren|geburtsdatum|geb\\.|née?|date de naissance|nacid[oa]|fecha de nacimiento|nat[oa]|data di nascita|data de nascimento|nascid[oa]|geboortedatum|urodzon[ya]|data urodzenia|дата рождения|родил(?:ся|ась)|出生日期|生年月日)(?:\\s{0,2}(?:is|was|:|：|=|-|on|am|le|el|em|il|op|:))*\\s{0,2}(${MONTH} )?$`,
  'iu',
)
const YEAR = '(?:19|20)\\d\\d'
/** 2/8/1935, 1990-01-02, 3. Mai 1980, 14 mars 1975, and what is left of "May 3, 1990". */
const DATE = new RegExp(
  `^(?:\\d{1,2}([./-])\\d{1,2}\\1(?:${YEAR}|\\d\\d)|${YEAR}([./-])\\d{1,2}\\2\\d{1,2}|\\d{1,2}(?:st|nd|rd|th|\\.|º)?(?: of| de)? ${MONTH}(?: de)?,? ${YEAR}|\\d{1,2}(?:st|nd|rd|th)?,? ${YEAR}|${YEAR}年\\d{1,2}月\\d{1,2}日)(?!\\d)`,
  'iu',
)

/** The date of birth that the digit at `first` is the first of, its month before it included, or null. */
export function birthDateAt(text: string, first: number, start: number, end: number): { from: number; to: number } | null {
  // The date is read first: few numbers are one.
  const date = DATE.exec(text.slice(first, Math.min(end, first + BEHIND_CHARS)))
  if (date === null) return null
  const label = LABEL.exec(text.slice(Math.max(start, first - BEFORE_CHARS), first))
  return label === null ? null : { from: first - (label[1]?.length ?? 0), to: first + date[0].length }
}
