/**
 * Orders that are hidden from readers of words: written in base64 ("aWdub3JlIGFsbCBwcmV2aW91cw==") or with figures for letters ("1gn0r3 4ll
 * pr3v10us"). They are decoded only where the text looks like it, which few do: a word of 24 characters and more, or three words that have
 * figures within. What comes out counts for its cues alone, so that hashes, keys and part numbers, which say nothing, are nothing.
 */
import { isDigit, isLower, isUpper } from './ascii.ts'
import type { Signals } from './signals.ts'
import type { Words } from './words.ts'

/** The shortest word that is tried, how many of them, and how much of each: an order is at the beginning or soon after. */
const RUN_CHARS_LEAST = 24
const RUNS_MOST = 4
const RUN_CHARS_MOST = 800
/** Of the decoded characters so many must be letters, spaces and marks of ASCII. */
const TEXT_SHARE_LEAST = 0.95
/** Words with figures among their letters, and the characters that are looked at for them. */
const MIXED_LEAST = 3
const MIXED_CHARS_MOST = 4_000

/** What a text says besides to who decodes it, or null. */
export function hiddenIn(text: string, words: Words, form: Signals): string | null {
  let decoded = ''
  let runs = 0
  const { count, starts } = words
  for (let i = 0; i < count && runs < RUNS_MOST; i++) {
    const start = starts[i] as number
    const next = i + 1 < count ? (starts[i + 1] as number) : text.length
    if (next - start < RUN_CHARS_LEAST) continue
    const run = runAt(text, start)
    if (run.length < RUN_CHARS_LEAST) continue
    runs++
    decoded += ` ${textOf(run)}`
    // A run may hold signs that end words; it is read once.
    while (i + 1 < count && (starts[i + 1] as number) < start + run.length) i++
  }
  if (form.numbers >= MIXED_LEAST) decoded += ` ${plainOf(text)}`
  return decoded.trim() === '' ? null : decoded
}

const IS_BASE64 = new Uint8Array(128)
for (const mark of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_') IS_BASE64[mark.charCodeAt(0)] = 1

function runAt(text: string, start: number): string {
  let end = start
  while (end < text.length && end - start < RUN_CHARS_MOST && IS_BASE64[text.charCodeAt(end)] === 1) end++
  return text.slice(start, end)
}

/** The text that a run stands for; empty where it stands for none. */
function textOf(run: string): string {
  let binary: string
  try {
    binary = atob(
      run
        .slice(0, run.length - (run.length % 4 === 1 ? 1 : 0))
        .replaceAll('-', '+')
        .replaceAll('_', '/'),
    )
  } catch {
    return '' // No base64 after all.
  }
  let plain = 0
  let spaces = 0
  for (let i = 0; i < binary.length; i++) {
    const code = binary.charCodeAt(i)
    if (code >= 0x20 && code < 0x7f) plain++
    if (code === 0x20) spaces++
  }
  return plain >= TEXT_SHARE_LEAST * binary.length && spaces > 0 ? binary : ''
}

/** Letters that figures and marks stand for. */
const LETTER_OF: Record<string, string> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's', '!': 'i' }
const MIXED = /(?<![\p{L}\d@$])[a-z013457@$!]*(?:[a-z][013457@$]|[013457@$][a-z])[a-z013457@$!]*/giu

/** The text with letters for figures, where enough of its words have figures within; else empty. */
function plainOf(text: string): string {
  if (!isMixed(text)) return ''
  const seen = text.slice(0, MIXED_CHARS_MOST)
  if ((seen.match(MIXED) ?? NONE).length < MIXED_LEAST) return ''
  return seen.replace(MIXED, word => word.replace(/[013457@$!]/g, mark => LETTER_OF[mark] ?? mark))
}
const NONE: readonly string[] = []

/** Characters at the beginning and at the end in which a text shows how it is written. */
const EDGE_CHARS = 512

/** Whether figures stand between letters often enough, before an expression looks at every character: part numbers and versions hardly do. */
function isMixed(text: string): boolean {
  const { length } = text
  const seen = mixedBetween(text, 1, Math.min(length - 1, EDGE_CHARS))
  return (
    seen >= MIXED_LEAST ||
    (length > EDGE_CHARS && seen + mixedBetween(text, Math.max(EDGE_CHARS, length - EDGE_CHARS), length - 1) >= MIXED_LEAST)
  )
}

function mixedBetween(text: string, start: number, end: number): number {
  let mixed = 0
  for (let i = start; i < end; i++)
    if (isDigit(text.charCodeAt(i)) && isAsciiLetter(text.charCodeAt(i + 1)) && isAsciiLetter(text.charCodeAt(i - 1))) mixed++
  return mixed
}

const isAsciiLetter = (code: number) => isUpper(code) || isLower(code)
