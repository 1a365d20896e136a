/**
 * Two texts compared line by line, printed as `diff -u` does.
 *
 * The longest common subsequence by the textbook table, after the common head and tail are taken off: a policy has at most a
 * few thousand lines, and an edit touches few of them. No library, as this is the one place that compares text.
 */
const CONTEXT = 3
/** Cells of the table; beyond it, the whole middle counts as replaced. */
const CELLS_LIMIT = 4_000_000

type Line = { sign: ' ' | '-' | '+'; text: string }

/** Empty where both are the same. */
export function unifiedDiff(before: string, after: string, names: { before: string; after: string }): string {
  if (before === after) return ''
  const lines = compared(before.split('\n'), after.split('\n'))
  const shown = hunks(lines)
  return [`--- ${names.before}`, `+++ ${names.after}`, ...shown].join('\n')
}

function compared(a: string[], b: string[]): Line[] {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const same = (lines: string[]): Line[] => lines.map(text => ({ sign: ' ', text }))
  return [
    ...same(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ]
}

function middle(a: string[], b: string[]): Line[] {
  const removed = (text = ''): Line => ({ sign: '-', text })
  const added = (text = ''): Line => ({ sign: '+', text })
  const width = b.length + 1
  if ((a.length + 1) * width > CELLS_LIMIT) return [...a.map(removed), ...b.map(added)]
  const longest = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => longest[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i++] ?? '' })
      j++
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) lines.push(removed(a[i++]))
    else lines.push(added(b[j++]))
  }
  return lines
}

/** Only what changed and a little around it, each stretch under the line numbers of both sides. */
function hunks(lines: Line[]): string[] {
  const near = (i: number) => lines.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some(line => line.sign !== ' ')
  const shown: string[] = []
  let before = 1
  let after = 1
  let open: { at: number; before: number; after: number; from: [number, number] } | null = null
  const close = () => {
    if (open) shown.splice(open.at, 0, `@@ -${open.from[0]},${open.before} +${open.from[1]},${open.after} @@`)
    open = null
  }
  lines.forEach(({ sign, text }, i) => {
    if (near(i)) {
      open ??= { at: shown.length, before: 0, after: 0, from: [before, after] }
      shown.push(sign + text)
      if (sign !== '+') open.before++
      if (sign !== '-') open.after++
    } else close()
    if (sign !== '+') before++
    if (sign !== '-') after++
  })
  close()
  return shown
}
