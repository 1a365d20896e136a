/**
 * `npm test`: format and lint, types, then every test project, each said in one line; the last line counts tests. A missing
 * tool is said in one line too, never skipped over. The secrets of the tests are canaries: none may be in anything that is printed.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MARK } from './security/canary.ts'

const PROJECT = join(import.meta.dirname, '..')
const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 22) {
  console.error(
    `Node ${process.versions.node} is too old to run the tests: run them as "npm test", which uses the Node that "npm ci" installed.`,
  )
  process.exit(1)
}

let leaked = false

/** Runs a program of node_modules with this Node; true where it ended well. What it prints is printed, and searched. */
async function run(title: string, program: string, args: string[]): Promise<boolean> {
  const started = performance.now()
  console.log(`\n== ${title}`)
  const child = spawn(process.execPath, [join(PROJECT, 'node_modules', program), ...args], {
    cwd: PROJECT,
    stdio: ['inherit', 'pipe', 'pipe'],
    env: {
      ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_HIDE_BANNER: 'true',
    },
  })
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    // A canary may come in two pieces.
    let before = ''
    from.on('data', (chunk: Buffer) => {
      const text = before + chunk.toString('latin1')
      leaked ||= text.includes(MARK)
      before = text.slice(-MARK.length)
      to.write(chunk)
    })
  }
  const status = await new Promise<number | null>(resolve => {
    child.once('error', error => {
      console.error(`${program} could not be started: ${error.message}. Run "npm ci" first.`)
      resolve(null)
    })
    child.once('close', resolve)
  })
  console.log(`== ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return status === 0
}

type Report = { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number }

const scratch = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
const given = process.argv.slice(2)
/** Those that start servers and wait for them run beside those that compute. */
const SIDES = [
  ['tests, end to end', ['--project', 'e2e', '--project', 'kill']],
  ['tests', ['--project', 'pure', '--project', 'workerd']],
] as const
const sides: readonly (readonly [string, readonly string[]])[] = given.length > 0 ? [['tests', given]] : SIDES
const fileOf = (title: string) => join(scratch, `${title.replaceAll(/\W+/g, '-')}.json`)
const test = ([title, args]: readonly [string, readonly string[]]) =>
  run(title, 'vitest/vitest.mjs', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${fileOf(title)}`, ...args])

const checks = [
  await run('format and lint', '@biomejs/biome/bin/biome', ['check', '.']),
  await run('types', 'typescript/bin/tsc', ['--noEmit']),
  ...(await Promise.all(sides.map(test))),
]
const report: Report = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
for (const [title] of sides) {
  try {
    const one = JSON.parse(readFileSync(fileOf(title), 'utf8')) as Report
    for (const count of Object.keys(report) as (keyof Report)[]) report[count] += one[count]
  } catch (error) {
    console.error(`The test runner left no report of ${title}: ${(error as Error).message}`)
    report.numFailedTests += 1
  }
}
rmSync(scratch, { recursive: true, force: true })

if (leaked) console.error('\nFAILED: a secret of the tests was printed: search the output above for its mark')
const skipped = report.numPendingTests + report.numTodoTests
// A check that fails counts as a failed test, so that the closing line never reads better than the run was.
const failed = report.numFailedTests + checks.filter(passed => !passed).length + (leaked ? 1 : 0)
console.log(`\n${report.numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`)
process.exit(failed === 0 && skipped === 0 ? 0 : 1)
