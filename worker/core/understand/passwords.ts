/**
 * Passwords that are told as such: "password: hunter2!", "Passwort ist Sommer2024", "pwd=x9-Tq". A word that is no word must follow, of letters with figures or
 * marks among them; "password: string", "password=${PW}" and "password must be 8 long" tell none.
 */

const VALUE_CHARS_MAX = 64
const LABEL_CHARS = 12
/** What ends with the letters at which it is noticed. */
const LABEL = /(?<![\p{L}_-])(?:password|passwort|passwd|pwd)$/iu
const BEHIND = /^(?:\s{0,2}(?:is|ist|[:=]{1,2})\s{0,2}|["']\s{0,2}:\s{0,2})(["'`]?)(?=[^\s"'`]{6})([^\s"'`,;<>{}()$]{6,64})\1/iu

/** The value that is told behind a label that ends at `past`, or null. */
export function passwordBehind(text: string, past: number, start: number, end: number): { from: number; to: number } | null {
  if (!LABEL.test(text.slice(Math.max(start, past - LABEL_CHARS), past))) return null
  const found = BEHIND.exec(text.slice(past, Math.min(end, past + LABEL_CHARS + VALUE_CHARS_MAX)))
  const value = found?.[2]
  if (found === null || value === undefined) return null
  const bare = value.replace(/[.!?]+$/, '')
  if (bare.length < 6 || !/\p{L}/u.test(bare) || !/[\d!@#%^&*+?~-]/.test(bare) || /^(?:your|my|the)[-_]|\*{3}|x{4}/i.test(bare)) return null
  // Two words joined by a dash are words, where no figure is among them.
  if (!/\d/.test(bare) && /^\p{L}+(?:-\p{L}+)*$/u.test(bare)) return null
  const from = past + found[0].indexOf(value)
  return { from, to: from + bare.length }
}
