/**
 * How long the answer will be, in tokens: what the caller asks for in so many words, else what such tasks usually take. It
 * drives cost, latency and energy, all of which only need its order of magnitude, and it never exceeds the caller's limit.
 */
import type { Features, Task } from '../../schema/features.ts'
import type { Tokens } from '../../schema/units.ts'
import { cueIndex } from './lexicon.ts'
import type { Signals } from './signals.ts'
import { HashTable, type Words, wordsOf } from './words.ts'

/** Typical answers by task, the middle of what current chat models write when nobody says how long. */
const OF_TASK: Record<Task, Tokens> = {
  code_generation: 700,
  code_understanding: 450,
  mathematics: 400,
  reasoning: 450,
  factual_question: 250,
  grounded_question: 200,
  summary: 250,
  extraction: 150,
  rewriting: 250,
  creative_writing: 700,
  conversation: 100,
  agentic: 180,
}
/**
 * Where answers of real models are known, their length grows with the question's: `at_one` tokens for a question of one, times its tokens to
 * the power `growth`, times `formulas` where it is all formulas. Fitted to half of the questions of GSM8K, MATH and NumerSense (the median of
 * some 50 models of 2024 each) and of MMLU-Pro (models that reason in words before the letter). Over whole sets, that half included, the mean
 * error of its logarithm is .26 on GSM8K, .48 on NumerSense, .38 on MATH and 1.22 on MMLU-Pro (1.21, 1.59, .47 and 1.62 with one number a task).
 */
const IN_STEPS = { at_one: 33, growth: 0.34, formulas: 2.1 }
const OF_OPTIONS = { at_one: 28, growth: 0.3, formulas: 1.4 }
/** A short question for thinking is not thought about for a page. */
const OF_THOUGHT = { at_one: 80, growth: 0.35, formulas: 1 }
/** An answer of one word or letter, with its end. */
const SHORTEST: Tokens = 8
/** A model that reasons first writes this many times as much, most of it unseen but paid. */
const REASONING_TIMES = 3
/** Tokens per word of prose, in most languages written with spaces. */
const TOKENS_PER_WORD = 1.35
const LONGEST: Tokens = 32_000

const SHORT = cueIndex('short')
const LONG = cueIndex('long')

/** Tokens that one of each makes: what may be asked for by number. */
const UNITS: Record<string, Tokens> = {
  word: TOKENS_PER_WORD,
  words: TOKENS_PER_WORD,
  character: 0.25,
  characters: 0.25,
  sentence: 25,
  sentences: 25,
  line: 14,
  lines: 14,
  bullet: 25,
  bullets: 25,
  point: 25,
  points: 25,
  paragraph: 110,
  paragraphs: 110,
  page: 650,
  pages: 650,
  example: 60,
  examples: 60,
  wort: TOKENS_PER_WORD,
  wörter: TOKENS_PER_WORD,
  wörtern: TOKENS_PER_WORD,
  worten: TOKENS_PER_WORD,
  satz: 25,
  sätzen: 25,
  sätze: 25,
  mots: TOKENS_PER_WORD,
  phrases: 25,
  phrase: 25,
  palabras: TOKENS_PER_WORD,
  frase: 25,
  frases: 25,
  palavras: TOKENS_PER_WORD,
  parole: TOKENS_PER_WORD,
  字: 0.8,
  词: 1,
  слов: 2,
}
const NUMBERS: Record<string, number> = {
  a: 1,
  one: 1,
  single: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  ten: 10,
  einem: 1,
  zwei: 2,
  drei: 3,
  une: 1,
  deux: 2,
  trois: 3,
  una: 1,
  dos: 2,
  tres: 3,
}
/** Words before a number that make it a wish, and not a fact of the text: "in 3 sentences", "a 500 word essay". */
const WISHES = new Set([
  'in',
  'with',
  'of',
  'a',
  'an',
  'about',
  'around',
  'exactly',
  'most',
  'least',
  'than',
  'write',
  'using',
  'within',
  'to',
  'under',
  'max',
  'maximum',
  'me',
  'list',
  'give',
  'only',
  'mit',
  'von',
  'en',
  'de',
  'd',
  'около',
  '写',
  '约',
  '用',
  '一',
  '篇',
])

/** By what a word means: tokens of a unit, a number, 1 for a wish; NaN and 0 where it is none. The first is a word without meaning. */
const UNIT_TOKENS: number[] = [Number.NaN]
const FIGURES: number[] = [Number.NaN]
const IS_WISH: number[] = [0]
const MEANING_OF = compile()

function compile(): HashTable {
  const words = new Set([...Object.keys(UNITS), ...Object.keys(NUMBERS), ...WISHES])
  const table = new HashTable(words.size)
  for (const word of words) {
    UNIT_TOKENS.push(UNITS[word] ?? Number.NaN)
    FIGURES.push(NUMBERS[word] ?? Number.NaN)
    table.set(wordsOf(word).hashes[0] as number, IS_WISH.push(WISHES.has(word) ? 1 : 0) - 1)
  }
  return table
}

/** Requests stand at the edges of a text, within so many characters. */
const EDGE_CHARS = 400

/** The number of tokens asked for by number, or null: "in 3 short sentences", "a 500 word essay", "800字". */
export function askedTokens(text: string, words: Words): Tokens | null {
  const { count, hashes, starts } = words
  const after = text.length - EDGE_CHARS
  for (let i = 1; i < count; i++) {
    const start = starts[i] as number
    if (start > EDGE_CHARS && start < after) continue
    const meaning = MEANING_OF.get(hashes[i] as number)
    if (meaning === 0) continue
    const unit = UNIT_TOKENS[meaning] as number
    if (Number.isNaN(unit)) continue
    // An adjective may stand between: "three short sentences".
    const near = numberAt(text, words, i - 1)
    const number = Number.isNaN(near) ? numberAt(text, words, i - 2) : near
    const before = Number.isNaN(near) ? i - 3 : i - 2
    if (number >= 50 || (!Number.isNaN(number) && (before < 0 || IS_WISH[MEANING_OF.get(hashes[before] as number)] === 1)))
      return number * unit
  }
  return null
}

/** What a word says as a number, in letters or in figures; NaN where it says none. */
function numberAt(text: string, { hashes, starts }: Words, index: number): number {
  if (index < 0) return Number.NaN
  const number = FIGURES[MEANING_OF.get(hashes[index] as number)] as number
  return Number.isNaN(number) ? figureAt(text, starts[index] as number) : number
}

/** The number that is written at a position, of at most five digits; NaN where there is none. */
function figureAt(text: string, start: number): number {
  let value = 0
  let i = start
  for (; i < start + 6; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) break
    value = value * 10 + digit
  }
  return i === start || i === start + 6 ? Number.NaN : value
}

/** Options, and then "Answer:": what is left to say is which. */
const LETTER_NEXT = /(?:answer|antwort|réponse|respuesta|answer is|答案)\s*[:：]\s*$/i
const asksForTheLetter = (text: string) => LETTER_NEXT.test(text.slice(-24))

export function expectedOutputTokens(
  text: string,
  words: Words,
  cues: Float64Array,
  form: Signals,
  features: Pick<Features, 'task' | 'output_form' | 'last_turn_tokens' | 'reasoning_requested' | 'max_output_tokens'>,
): Tokens {
  const asked = askedTokens(text, words)
  let tokens: number
  if (asked !== null) tokens = asked + SHORTEST
  else if ((cues[SHORT] as number) >= 1) tokens = SHORTEST
  else {
    tokens = OF_TASK[features.task]
    // What is rewritten is about as long as it was; what is summed up a fifth, what is extracted a third.
    const material = features.last_turn_tokens
    const inSteps = ({ at_one, growth, formulas }: typeof IN_STEPS) =>
      at_one * material ** growth * formulas ** Math.min(1, 3 * form.math_share)
    if (features.task === 'mathematics') tokens = inSteps(IN_STEPS)
    if (features.task === 'reasoning') tokens = Math.min(tokens, inSteps(OF_THOUGHT))
    if (features.task === 'rewriting') tokens = Math.max(40, material)
    if (features.task === 'summary') tokens = Math.min(800, Math.max(80, material / 5))
    if (features.task === 'extraction') tokens = Math.min(1_500, Math.max(30, material / 3))
    if (form.options >= 3) tokens = asksForTheLetter(text) ? SHORTEST : inSteps(OF_OPTIONS)
    if ((cues[LONG] as number) >= 1) tokens *= 1.8
    if (features.output_form !== 'text') tokens = Math.min(tokens, 400)
  }
  if (features.reasoning_requested) tokens = tokens * REASONING_TIMES + 300
  const bounded = Math.min(LONGEST, Math.max(SHORTEST, Math.round(tokens)))
  return features.max_output_tokens === null ? bounded : Math.min(bounded, features.max_output_tokens)
}
