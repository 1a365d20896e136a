/**
 * Names near a name that does not exist, for an error that helps: `gpt5-mini` finds `openai/gpt-5-mini`.
 *
 * Only the error path pays for this. Its bounds: names are cut at 100 characters and at most 3,000 are compared, so a caller
 * who sends nonsense costs a few milliseconds at worst.
 */
const LENGTH_LIMIT = 100
const COMPARED_LIMIT = 3_000

/** The nearest names first, at most `limit`; none that would take changing more than about a third of it. */
export function nearest(name: string, candidates: Iterable<string>, limit: number): string[] {
  const wanted = plain(name)
  const found: { name: string; distance: number }[] = []
  const seen = new Set<string>()
  for (const candidate of candidates) {
    if (seen.size >= COMPARED_LIMIT) break
    if (seen.has(candidate)) continue
    seen.add(candidate)
    const distance = distanceTo(wanted, candidate)
    if (distance !== null) found.push({ name: candidate, distance })
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return found.slice(0, limit).map(each => each.name)
}

/** Case and punctuation are what people get wrong most: they do not count. */
const plain = (name: string) =>
  name
    .slice(0, LENGTH_LIMIT)
    .toLowerCase()
    .replace(/[^a-z0-9/]/g, '')

/** Steps from the wanted name to the candidate, or to its part after the provider; null where it is too far to be meant. */
function distanceTo(wanted: string, candidate: string): number | null {
  const whole = plain(candidate)
  const short = whole.slice(whole.indexOf('/') + 1)
  const most = Math.max(1, Math.floor(wanted.length / 3))
  const steps = Math.min(editDistance(wanted, whole, most), short === whole ? most + 1 : editDistance(wanted, short, most) + 0.1)
  if (steps <= most + 0.5) return steps
  // A whole word of three letters or more inside a longer name: "sonnet" for "claude-sonnet-4.5".
  return wanted.length >= 3 && whole.includes(wanted) ? most + 1 : null
}

/** Levenshtein distance, given up (as `most + 1`) once it must exceed `most`. */
export function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const steps = Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      row.push(steps)
      if (steps < least) least = steps
    }
    if (least > most) return most + 1
    above = row
  }
  return Math.min(above[b.length] ?? 0, most + 1)
}
