/**
 * `npm run faults`: the fault catalogue and the sixteen situations with the deadlines that operators get, some three minutes, and what
 * came of every row as RESULTS.md. A row that did not run is named there, and the run fails.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Note } from './note.ts'

const root = join(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(join(tmpdir(), 'signalbox-faults-'))
const report_file = join(scratch, 'report.json')

const number = (n: number) => `F${String(n).padStart(2, '0')}`
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => number(from + i))
/** Those between are about storage and the lives of processes: `npm run kill` and the tests of the store have them. */
const CATALOGUE = [...range(1, 75), ...range(86, 104)]
const SITUATIONS = Array.from({ length: 16 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`)

const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    'test/faults',
    'test/store/faults.test.ts',
    'test/store/contract.test.ts',
    'test/store/connections.test.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report_file}`,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, FAULTS: 'full', WRANGLER_SEND_METRICS: 'false' } },
)

type Case = { status: string; meta?: { note?: Note } }
if (!existsSync(report_file)) {
  console.error('The test runner left no report; what it said is above.')
  process.exit(1)
}
const { testResults } = JSON.parse(readFileSync(report_file, 'utf8')) as { testResults: { assertionResults: Case[] }[] }
rmSync(scratch, { recursive: true, force: true })
const rows = testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .flatMap(({ status, meta }) => (meta?.note ? [{ ...meta.note, held: status === 'passed' }] : []))
  .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))

const ran = (id: string) => rows.some(row => row.id === id || row.id.startsWith(`${id}-`))
const missing = [...CATALOGUE, ...SITUATIONS].filter(id => !ran(id))
const failed = rows.filter(row => !row.held)
const passed = SITUATIONS.filter(id => ran(id) && !failed.some(row => row.id === id || row.id.startsWith(`${id}-`)))
const held = CATALOGUE.filter(id => ran(id) && !failed.some(row => row.id === id || row.id.startsWith(`${id}-`)))

const WHERE: Record<Note['where'], string> = {
  worker: 'whole router',
  workerd: 'workerd',
  dispatch: 'dispatch, virtual time',
  pure: 'pure',
  simulation: 'simulation',
}
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const tableOf = (list: typeof rows) =>
  list
    .map(
      row =>
        `| ${row.id} | ${cell(row.fault)} | ${cell(row.expected)} | ${WHERE[row.where]} | ${cell(row.seen)} | ${row.held ? 'yes' : '**no**'} |`,
    )
    .join('\n')
const HEAD = '| row | what goes wrong | what has to come of it | where | seen | held |\n|---|---|---|---|---|---|'

writeFileSync(
  join(import.meta.dirname, 'RESULTS.md'),
  `# Faults, at full timing

Made by \`npm run faults\` on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, the router in workerd on loopback; for the situations the
dev server. Limits: 12 s to the first token, 15 s between events, 60 s in all. Times are a caller's; calls are those to the first and to the second target.

## The sixteen situations: ${passed.length} of ${SITUATIONS.length}

${HEAD}
${tableOf(rows.filter(row => row.id.startsWith('S')))}

## The catalogue: ${held.length} of ${CATALOGUE.length}

${HEAD}
${tableOf(rows.filter(row => row.id.startsWith('F')))}
${missing.length > 0 ? `\nNot run: ${missing.join(', ')}.\n` : ''}`,
)
console.log(`\n${passed.length} of ${SITUATIONS.length} situations, ${held.length} of ${CATALOGUE.length} rows of the catalogue held.`)
if (missing.length > 0) console.log(`Not run: ${missing.join(', ')}`)
process.exit(status === 0 && missing.length === 0 ? 0 : 1)
