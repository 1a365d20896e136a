/**
 * The form of a question in numbers: how long, how many figures and how large, what its answers look like, and the small words that say how
 * many steps an answer takes. It names no subject, so what is learned of it holds for subjects that were never seen.
 */

/** Counted as words; the first group says how quantities hang together, the others how a question is put. */
const COUNTED = (
  'each every per twice half third quarter times more less fewer than total left remain rest percent if then after before all both same average ' +
  'ratio fraction hour minute day week month year mile cost price pay sell buy discount profit age old speed other only not except and or first ' +
  'second last equal double triple combined together another additional instead also but between dozen what which following best most likely ' +
  'because would should can true false how much many long'
).split(' ')
const COUNTED_AT = new Map(COUNTED.map((word, at) => [word, at]))
const WORD = /[a-z]+|\d[\d,]*\.?\d*/g
const NUMBER = /\d[\d,]*\.?\d*/g
const OPTION = /^([A-J])[.)]\s*(.*)$/gm
const FIGURE_OPTION = /^[-+$0-9.,%/ ]+\w{0,4}$/
const NAME = /\b[A-Z][a-z]+/g
const SENTENCE_END = /[.?!](\s|$)/g
const MARKS = ['%', '$', '/', ',', '(', '"', "'", '\n']
/** Characters of a prompt that are looked at. */
const CHARS_MOST = 6_000
/** Figures beyond this are all alike. */
const SIZE_MOST = 1e12

const counted = (text: string, pattern: RegExp) => text.match(pattern) ?? []
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / (values.length || 1)

export function formOf(prompt: string): Float32Array {
  const text = prompt.slice(0, CHARS_MOST)
  const low = text.toLowerCase()
  const words = counted(low, WORD)
  const sentences = counted(text, SENTENCE_END).length
  const numbers = counted(low, NUMBER)
  const sizes = numbers.map(number => Math.min(SIZE_MOST, Number.parseFloat(number.replaceAll(',', ''))))
  const logs = sizes.map(size => Math.log1p(size))
  const options = [...text.matchAll(OPTION)].map(match => (match[2] as string).trim())
  const lengths = options.map(option => option.length)
  const middle = mean(lengths)
  const opening = text.indexOf('\nA')
  const question = opening < 0 ? text : text.slice(0, opening)
  const names = counted(text, NAME)
  const share = (pattern: RegExp) => counted(text, pattern).length / (text.length + 1)
  const ofWords = (least: number) => words.filter(word => word.length >= least).length / (words.length + 1)
  const has = (pattern: RegExp) => (pattern.test(question) ? 1 : 0)
  const small = new Float32Array(COUNTED.length)
  for (const word of words) {
    const at = COUNTED_AT.get(word) ?? (word.endsWith('s') ? COUNTED_AT.get(word.slice(0, -1)) : undefined)
    if (at !== undefined) small[at] = (small[at] as number) + 1
  }
  return Float32Array.from([
    text.length,
    question.length,
    words.length,
    sentences,
    words.length / (sentences + 1),
    mean(words.map(word => word.length)),
    new Set(words).size / (words.length + 1),
    ofWords(7),
    ofWords(10),
    numbers.length,
    new Set(numbers).size,
    Math.max(0, ...logs),
    logs.length > 0 ? Math.min(...logs) : 0,
    sizes.filter(size => !Number.isInteger(size)).length,
    sizes.filter(size => size >= 100).length,
    sizes.filter(size => size <= 12).length,
    ...MARKS.map(mark => text.split(mark).length - 1),
    names.length,
    new Set(names).size,
    share(/[A-Z]/g),
    share(/\d/g),
    share(/[^\p{L}\p{N}\s]/gu),
    options.length,
    middle,
    Math.max(0, ...lengths),
    Math.sqrt(mean(lengths.map(length => (length - middle) ** 2))),
    options.filter(option => FIGURE_OPTION.test(option)).length,
    options.filter(option => !option.includes(' ')).length,
    has(/_/),
    has(/\?/),
    has(/\b(not|except|least|false|incorrect)\b/i),
    has(/statement 1/i),
    ...small,
  ])
}
