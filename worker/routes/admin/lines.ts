/**
 * Rows as CSV for spreadsheets, and as JSON lines for programs. A spreadsheet takes a text that begins with `=`, `+`, `-` or `@`
 * for a formula and would run what a caller put into a label; such a text gets an apostrophe before it (OWASP, CSV injection).
 */
const FORMULA = /^[=+\-@\t\r]/
type Cell = string | number | null | undefined

/** RFC 4180, with a header line. */
export function csv(columns: readonly string[], rows: readonly Record<string, Cell>[]): string {
  return [columns.join(','), ...rows.map(row => columns.map(column => cellOf(row[column])).join(','))].map(line => `${line}\r\n`).join('')
}

export function jsonLines(rows: readonly Record<string, Cell>[]): string {
  return rows.map(row => `${JSON.stringify(row)}\n`).join('')
}

/** A number is ours and may be negative; a text is anybody's. */
function cellOf(value: Cell): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const safe = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
