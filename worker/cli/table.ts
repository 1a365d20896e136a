/**
 * A table for a terminal: columns as wide as their widest cell, numbers to the right. No lines and no colours, so that it can
 * be pasted anywhere.
 */
const NUMBER = /^[-+$]?[\d.]+( ?(%|ms|s|Wh))?$/

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]?.length ?? 0)))
  const right = header.map((_, i) => rows.length > 0 && rows.every(row => NUMBER.test(row[i] ?? '') || row[i] === '-'))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(header), ...rows.map(line)].join('\n')
}

/** A command's result: for programs as JSON, for people in words. */
export function print(json: boolean | undefined, value: unknown, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text}\n`)
}
