/**
 * What the form of a text says, whatever its words: lines of code, formulas, questions, lists, lettered options, figures.
 * One loop over the characters; each line is judged when it ends.
 */

export type Signals = {
  /** Characters of the whole text, and of what was looked at. */
  chars: number
  seen_chars: number
  lines: number
  /** Share of the characters seen that lie in lines of code, and in formulas. */
  code_share: number
  math_share: number
  /** A fenced block of code. */
  fenced: boolean
  questions: number
  /** It ends in a question mark. */
  asks_at_end: boolean
  /** Lines that begin as an item of a list, and as a lettered option. */
  items: number
  options: number
  /** Numbers in the text, each counted once. */
  numbers: number
  /** Characters of the longest line: material is pasted in long ones. */
  longest_line: number
}

/** Characters looked at from the beginning, the middle and the end of a longer text. */
const HEAD_CHARS = 3_000
const MIDDLE_CHARS = 1_000
const TAIL_CHARS = 2_500
export const SEEN_CHARS_MAX = HEAD_CHARS + MIDDLE_CHARS + TAIL_CHARS

/** The pieces of a text that are looked at, as start and end, start and end, in order. The whole of it, where it is short. */
export function pieces(chars: number): number[] {
  if (chars <= SEEN_CHARS_MAX) return [0, chars]
  const middle = (chars - MIDDLE_CHARS) >> 1
  return [0, HEAD_CHARS, middle, middle + MIDDLE_CHARS, chars - TAIL_CHARS, chars]
}

const PLAIN = 0
const LETTER = 1
const DIGIT = 2
/** Brackets, semicolons, operators: prose has few. */
const CODE_MARK = 3
const OPERATOR = 4
/** Backslash, dollar, caret: formulas as typeset. */
const TEX_MARK = 5
const SPACE = 6
const NEWLINE = 7
const QUESTION = 8
const KIND = new Uint8Array(128)
for (let code = 0x41; code <= 0x5a; code++) KIND[code] = KIND[code + 32] = LETTER
for (let code = 0x30; code <= 0x39; code++) KIND[code] = DIGIT
for (const mark of '{}[]();<>&|_#`@"') KIND[mark.charCodeAt(0)] = CODE_MARK
for (const mark of '+-*/=%') KIND[mark.charCodeAt(0)] = OPERATOR
for (const mark of '\\$^') KIND[mark.charCodeAt(0)] = TEX_MARK
KIND[0x20] = KIND[0x09] = SPACE
KIND[0x0a] = NEWLINE
KIND[0x3f] = QUESTION

/** How a line of code begins that has a mark in it besides. Lower case matters: sentences begin with `If`, and not with `if`. */
const CODE_OPENINGS = (
  'def |class |import |from |function |const |let |var |return|public |private |static |if |for |while |with |try|elif |else|catch|switch |' +
  '#include|SELECT |INSERT |CREATE |package |fn |func |use |async |await |export |assert |>>> |$ |//|/*|#!|</|<?|@'
).split('|')
const OPENINGS_BY_FIRST = byFirst(CODE_OPENINGS)

/** How a line begins that is code only among code: "import duties rose" is not. */
const MAYBE_OPENINGS = [
  'import ',
  'from ',
  'package ',
  'use ',
  'return',
  'SELECT ',
  'FROM ',
  'WHERE ',
  'else',
  'pass',
  'break',
  'end',
  '# ',
  '//',
]

const MAYBE_BY_FIRST = byFirst(MAYBE_OPENINGS)
const NONE: string[] = []

/** Openings by the code of their first character. */
function byFirst(openings: string[]): string[][] {
  const table: string[][] = []
  for (const opening of openings) {
    const code = opening.charCodeAt(0)
    table[code] = [...(table[code] ?? []), opening]
  }
  return table
}

function opensAs(openings: string[][], text: string, first: number): boolean {
  for (const opening of openings[text.charCodeAt(first)] ?? NONE) if (text.startsWith(opening, first)) return true
  return false
}

export function signalsOf(text: string): Signals {
  const chars = text.length
  const ranges = pieces(chars)
  const signals: Signals = {
    chars,
    seen_chars: 0,
    lines: 0,
    code_share: 0,
    math_share: 0,
    fenced: false,
    questions: 0,
    asks_at_end: asksAtEnd(text),
    items: 0,
    options: 0,
    numbers: 0,
    longest_line: 0,
  }
  let code_chars = 0
  let maybe_code_chars = 0
  let math_chars = 0
  let inFence = false
  for (let range = 0; range < ranges.length; range += 2) {
    const start = ranges[range] as number
    const end = ranges[range + 1] as number
    signals.seen_chars += end - start
    let line_start = start
    /** Of the line: letters are what is left of it. */
    let not_letters = 0
    let digits = 0
    let code_marks = 0
    let operators = 0
    let tex = 0
    let wide = 0
    let number_end = -1
    for (let i = start; i <= end; i++) {
      const code = i < end ? text.charCodeAt(i) : 0x0a
      const kind = code < 128 ? (KIND[code] as number) : wideKind(code)
      if (kind === LETTER) continue
      not_letters++
      switch (kind) {
        case DIGIT:
          digits++
          if (number_end !== i) signals.numbers++
          number_end = i + 1
          break
        case CODE_MARK:
          code_marks++
          break
        case OPERATOR:
          operators++
          break
        case TEX_MARK:
          tex++
          break
        case QUESTION:
          signals.questions++
          break
        case PLAIN:
          if (code >= 128) wide++
          break
        case NEWLINE: {
          const length = i - line_start
          if (length > signals.longest_line) signals.longest_line = length
          if (length > 0) {
            const letters = length + 1 - not_letters
            signals.lines++
            const first = firstOf(text, line_start, i)
            const opening = text.charCodeAt(first)
            if (opening === 0x60 && text.startsWith('```', first)) {
              inFence = !inFence
              signals.fenced = true
              code_chars += length
            } else if (inFence || isCode(text, first, i, { length, letters, code_marks, operators, tex, wide })) code_chars += length
            else if (isFormula({ length, letters, digits, operators, tex })) math_chars += length
            else if (opensAs(MAYBE_BY_FIRST, text, first)) maybe_code_chars += length
            else math_chars += Math.min(length, 6 * tex + 2 * operators + (operators > 0 ? digits : 0))
            if (isItem(text, first, opening)) signals.items++
            if (isOption(text, first, opening)) signals.options++
          }
          line_start = i + 1
          not_letters = digits = code_marks = operators = tex = wide = 0
        }
      }
    }
  }
  const seen = Math.max(1, signals.seen_chars)
  if (code_chars > maybe_code_chars) code_chars += maybe_code_chars
  signals.code_share = Math.min(1, code_chars / seen)
  signals.math_share = Math.min(1, math_chars / seen)
  return signals
}

/** Mathematical operators and arrows beyond ASCII, the multiplication and division signs, the wide question mark. */
function wideKind(code: number): number {
  if ((code >= 0x2190 && code <= 0x22ff) || code === 0xd7 || code === 0xf7) return OPERATOR
  return code === 0xff1f || code === 0x61f ? QUESTION : PLAIN
}

function asksAtEnd(text: string): boolean {
  for (let i = text.length - 1; i >= Math.max(0, text.length - 20); i--) {
    const code = text.charCodeAt(i)
    if (code === 0x3f || code === 0xff1f || code === 0x61f) return true
    if (code !== 0x20 && code !== 0x0a && code !== 0x22 && code !== 0x29) return false
  }
  return false
}

function firstOf(text: string, start: number, end: number): number {
  let i = start
  while (i < end - 1 && KIND[text.charCodeAt(i)] === SPACE) i++
  return i
}

type Line = { length: number; letters: number; code_marks: number; operators: number; tex: number; wide: number }

function isCode(text: string, first: number, end: number, line: Line): boolean {
  if (line.wide > line.letters || line.tex > 1) return false
  const marks = line.code_marks + line.operators
  if (marks === 0) return false
  let last = end - 1
  while (last > first && (KIND[text.charCodeAt(last)] === SPACE || text.charCodeAt(last) === 0x0d)) last--
  const closing = text.charCodeAt(last)
  const closesAsCode =
    closing === 0x3b ||
    closing === 0x7b ||
    closing === 0x7d ||
    closing === 0x29 ||
    closing === 0x5d ||
    closing === 0x3a ||
    closing === 0x2c ||
    closing === 0x3e
  const density = marks / line.length
  const indented = KIND[text.charCodeAt(first - 1)] === SPACE
  if (closesAsCode && line.code_marks >= 2 && density >= (indented ? 0.07 : 0.12)) return true
  if (opensAs(OPENINGS_BY_FIRST, text, first)) return closesAsCode || density >= 0.06
  return density >= 0.2 && line.letters > 0 && line.code_marks >= 3
}

function isFormula(line: { length: number; letters: number; digits: number; operators: number; tex: number }): boolean {
  // A dollar or two are money; a mark of typesetting brings a command's letters with it.
  if (line.operators === 0 && line.tex < 3) return false
  const marks = line.operators + 3 * line.tex + line.digits
  return line.operators + line.tex >= 2 && marks * 2.5 > line.letters && marks * 4 > line.length
}

/** `- `, `* `, `1. ` */
function isItem(text: string, first: number, opening: number): boolean {
  const next = text.charCodeAt(first + 1)
  if (opening === 0x2d || opening === 0x2a || opening === 0x2022) return next === 0x20
  return KIND[opening] === DIGIT && (next === 0x2e || next === 0x29)
}

/** `A. `, `(B)`, `c) ` */
function isOption(text: string, first: number, opening: number): boolean {
  const at = opening === 0x28 ? first + 1 : first
  const letter = text.charCodeAt(at) | 32
  const after = text.charCodeAt(at + 1)
  return (
    letter >= 0x61 &&
    letter <= 0x6a &&
    (after === 0x29 || (opening !== 0x28 && (after === 0x2e || after === 0x3a || after === 0x3001 || after === 0xff0e)))
  )
}
