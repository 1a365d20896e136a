/**
 * Keys and tokens that a prompt should not hold, told by the prefix that their issuer gives them and by how random what follows looks:
 * `sk-learn-something` has no digits and is none. A private key is one from its first line to its last.
 */
import { isDigit, isWord } from './ascii.ts'

/** Issuers' own prefixes, with the least number of key characters behind them. */
const SECRET_PREFIXES: [string, number][] = [
  ['sk-', 20],
  ['sk_live_', 16],
  ['rk_live_', 16],
  ['AKIA', 16],
  ['ASIA', 16],
  ['ghp_', 30],
  ['gho_', 30],
  ['ghs_', 30],
  ['github_pat_', 30],
  ['glpat-', 18],
  ['xoxb-', 20],
  ['xoxp-', 20],
  ['AIza', 30],
  ['gsk_', 30],
  ['hf_', 30],
  ['npm_', 30],
  ['SG.', 40],
  ['eyJhbGciOi', 40],
]
const PRIVATE_KEY = '-----BEGIN '
const PRIVATE_KEY_MARK = 'PRIVATE KEY-----'
/** Signed tokens are the longest of them. */
const SECRET_CHARS_MAX = 4_096

/** The character a prefix is noticed by: one that is rarer in prose than its first letter. */
const NOTICED_BY = new Map<number, { prefix: string; offset: number; least: number }[]>()
for (const [prefix, least] of SECRET_PREFIXES) {
  const mark = prefix.search(/[-_AJ]/)
  const offset = mark < 0 ? 0 : mark
  const code = prefix.charCodeAt(offset)
  NOTICED_BY.set(code, [...(NOTICED_BY.get(code) ?? []), { prefix, offset, least }])
}

/** Codes of the characters by which a key is noticed. */
export const SECRET_MARKS: readonly number[] = [...NOTICED_BY.keys()]

/** The key around a character of `SECRET_MARKS`, or null. */
export function secretAround(text: string, at: number, code: number, start: number, end: number): { from: number; to: number } | null {
  for (const { prefix, offset, least } of NOTICED_BY.get(code) ?? []) {
    const first = at - offset
    if (first < start || !text.startsWith(prefix, first) || (first > start && isWord(text.charCodeAt(first - 1)))) continue
    const to = pastRandom(text, first + prefix.length, end, least)
    if (to > 0) return { from: first, to }
  }
  if (code !== 0x2d || !text.startsWith(PRIVATE_KEY, at) || !text.slice(at, Math.min(end, at + 50)).includes(PRIVATE_KEY_MARK)) return null
  const last = text.indexOf(PRIVATE_KEY_MARK, text.indexOf(PRIVATE_KEY_MARK, at) + 1)
  return { from: at, to: last < 0 ? end : Math.min(end, last + PRIVATE_KEY_MARK.length) }
}

/** Where a key ends that has enough characters, with digits among them: `sk-learn-something-or-other` has none and gives 0. */
function pastRandom(text: string, start: number, end: number, least: number): number {
  let digits = 0
  let i = start
  for (; i < end && i < start + SECRET_CHARS_MAX; i++) {
    const code = text.charCodeAt(i)
    if (isDigit(code)) digits++
    else if (!isWord(code) && code !== 0x2d && code !== 0x5f && code !== 0x2e) break
  }
  return i - start >= least && digits >= 2 ? i : 0
}
