/**
 * Other people's error text, made fit to show. What an upstream writes into its errors may hold the key it was sent, our
 * account's name, an HTML page or a terminal's control codes; callers and logs get one short line of plain text.
 *
 * Every pattern here is a single class with a single quantifier, over text that is already cut, so none can backtrack.
 */

/** Long enough for every provider's sentence about what is wrong. */
export const MAX_MESSAGE = 200
/** Looked at before anything is removed: what lies behind it would not be shown anyway. */
const LOOKED_AT = 2_000
const MASK = '***'

const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu
const SPACE = /\s+/g
/** `Bearer x`, `key=x`, `token: x`: whatever follows is a secret. */
const NAMED_SECRET = /\b(bearer|api[_-]?key|key|token|secret|password|authorization)(["']?\s?[:=]\s?|\s)(["']?)[A-Za-z0-9_\-.+/=*]{8,}/gi
/** `sk-...`, `org-...`: the shapes that keys and accounts have. */
const PREFIXED = /\b(sk|pk|rk|key|org|proj|acct|user|usr|ak)[-_][A-Za-z0-9_*-]{6,}/g
/** A run of letters and digits that no word and no model's name has. */
const RUN = /[A-Za-z0-9]{16,}/g

export function sanitized(raw: string): string {
  const line = raw.slice(0, LOOKED_AT).replace(CONTROL, ' ').replace(SPACE, ' ').trim()
  if (line.startsWith('<')) return 'an HTML page instead of an answer'
  const masked = line
    .replace(PREFIXED, (_, prefix: string) => `${prefix}-${MASK}`)
    .replace(NAMED_SECRET, (whole, name: string, between: string, quote: string) =>
      looksSecret(whole.slice(name.length)) ? `${name}${between}${quote}${MASK}` : whole,
    )
    .replace(RUN, run => (looksSecret(run) ? MASK : run))
  return masked.length > MAX_MESSAGE ? `${masked.slice(0, MAX_MESSAGE - 3)}...` : masked
}

/** Words have no digits, and none has thirty letters. */
const looksSecret = (text: string) => /[0-9*]/.test(text) || text.length >= 30
