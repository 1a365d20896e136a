/** CSV as spreadsheets and providers write it (RFC 4180): quoted cells, either line end, a mark at the very beginning. */
import { Stop } from './ending.ts'

export type Line = { line: number; cells: Record<string, string> }

export function readCsv(text: string): { columns: string[]; lines: Line[] } {
  const rows = rowsOf(text.replace(/^\uFEFF/, ''))
  const [head, ...rest] = rows
  if (!head || head.cells.every(cell => cell.trim() === '')) throw new Stop('the file has no header line')
  const columns = head.cells.map(cell => cell.trim())
  const lines = rest
    .filter(({ cells }) => cells.some(cell => cell !== ''))
    .map(({ line, cells }) => {
      if (cells.length > columns.length) throw new Stop(`line ${line} has ${cells.length} cells, and the header ${columns.length}`)
      return { line, cells: Object.fromEntries(columns.map((name, i) => [name, (cells[i] ?? '').trim()])) }
    })
  return { columns, lines }
}

function rowsOf(text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = []
  let cells: string[] = []
  let cell = ''
  let quoted = false
  let line = 1
  let began = 1
  const end = () => {
    cells.push(cell)
    rows.push({ line: began, cells })
    cells = []
    cell = ''
  }
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (char === '\n') line++
    if (quoted) {
      if (char !== '"') cell += char
      else if (text[i + 1] === '"') {
        cell += '"'
        i++
      } else quoted = false
    } else if (char === '"' && cell === '') quoted = true
    else if (char === ',') {
      cells.push(cell)
      cell = ''
    } else if (char === '\n') {
      end()
      began = line
    } else if (char !== '\r') cell += char
  }
  if (quoted) throw new Stop(`the quote that opens in line ${began} is never closed`)
  if (cell !== '' || cells.length > 0) end()
  return rows
}
