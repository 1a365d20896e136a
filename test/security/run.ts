/**
 * `npm run security`: runs every test that the checklist points at, and writes what came of each item into `RESULTS.md`. Ends with 1 where
 * one failed or was not run.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ITEMS } from './items.ts'
import { isNamed, rowOf } from './table.ts'

const PROJECT = join(import.meta.dirname, '../..')
type Report = { testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[] }

const files = [...new Set(ITEMS.flatMap(item => item.tests.map(([file]) => `test/${file}`)))].sort()
const scratch = mkdtempSync(join(tmpdir(), 'signalbox-security-'))
const report_file = join(scratch, 'report.json')
console.log(`${ITEMS.length} items, by the tests of ${files.length} files`)
spawnSync(
  process.execPath,
  [
    join(PROJECT, 'node_modules/vitest/vitest.mjs'),
    'run',
    // A busy machine is slow, and no item is about that.
    '--testTimeout=60000',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report_file}`,
    ...files,
  ],
  {
    cwd: PROJECT,
    stdio: 'inherit',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_HIDE_BANNER: 'true' },
  },
)
const report = JSON.parse(readFileSync(report_file, 'utf8')) as Report
rmSync(scratch, { recursive: true, force: true })

const run = new Map(report.testResults.map(({ name, assertionResults }) => [relative(join(PROJECT, 'test'), name), assertionResults]))
let wrong = 0
let tests_run = 0
const rows = ITEMS.map(item => {
  const found = item.tests.map(([file, name]) => (run.get(file) ?? []).filter(each => isNamed(name, each.fullName)))
  const all = found.flat()
  const bad = found.some(each => each.length === 0) || all.some(each => each.status !== 'passed')
  if (bad) wrong += 1
  tests_run += all.length
  const result = item.tests.length === 0 ? 'not here' : bad ? 'FAILED' : `${all.length} passed`
  if (bad)
    console.log(
      `item ${item.id}: ${found.map((each, i) => `${item.tests[i]?.[1]}: ${each.length} run, ${each.filter(one => one.status !== 'passed').length} not passed`).join('; ')}`,
    )
  return rowOf(item, result)
})
const here = ITEMS.filter(item => item.tests.length > 0).length
writeFileSync(
  join(import.meta.dirname, 'RESULTS.md'),
  [
    '# The security checklist',
    '',
    `Written by \`npm run security\` on ${new Date().toISOString().slice(0, 10)}: ${here - wrong} of ${ITEMS.length} items are shown by tests (${tests_run} runs of them), ${wrong} failed, ${ITEMS.length - here} are not here.`,
    'Workerd is the runtime of Cloudflare Workers with its real bindings; the real server is that of `npm run dev`. Every one of these tests is part of `npm test`.',
    '',
    '| item | what is asked | tests | result | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n'),
)
console.log(`${here - wrong} items shown, ${wrong} failed, ${ITEMS.length - here} not here: test/security/RESULTS.md`)
process.exit(wrong === 0 ? 0 : 1)
