/**
 * `npm run kill`: forty rounds. `npm run kill -- --rounds 1000 --faults 0.6 --seed 1` is the long form; with `--write` it adds a row to
 * `RESULTS.md`. `npm run kill -- --budgets` races for small budgets instead (`budget-loop.ts`). Ends with 1 where the ledgers differ.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { budgetLoop, overspent } from './budget-loop.ts'
import { broken, killLoop } from './kill-loop.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    faults: { type: 'string', default: '0.6' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string' },
    write: { type: 'boolean', default: false },
    budgets: { type: 'boolean', default: false },
  },
})
const { faults, seed } = { faults: Number(values.faults), seed: Number(values.seed) }
const at_most_ms = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000
/** What was tried: the name that git gives to all that is in `worker/store`, which is the same in every commit that has the same there. */
const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
const code = git('rev-parse', '--short=10', 'HEAD:worker/store') + (git('status', '--porcelain', '../../worker') ? ' and changes' : '')
if (values.budgets) {
  console.log(`kill loop over budgets: ${values.rounds} rounds, ${faults * 100} % of D1 batches fail, seed ${seed}`)
  const report = await budgetLoop({ rounds: Number(values.rounds), faults, seed, at_most_ms, say: console.log })
  console.log(JSON.stringify(report, null, 2))
  const problems = overspent(report)
  if (values.write) {
    const { rounds, passed, refused, orphans, exhausted, limit_micros, most_billed_micros, most_over_micros } = report
    const row = [
      new Date().toISOString().slice(0, 10),
      code,
      `\`npm run kill -- --budgets --rounds ${rounds} --faults ${faults} --seed ${seed}\``,
      ...[rounds, passed, refused, orphans, exhausted, limit_micros, most_billed_micros, most_over_micros, problems.join('; ') || 'kept'],
    ]
    appendFileSync(join(import.meta.dirname, 'BUDGETS.md'), `| ${row.join(' | ')} |\n`)
  }
  console.log(problems.length ? `FAILED: ${problems.join(', ')}` : 'no budget overspent; object and rows agree for each key')
  process.exit(problems.length ? 1 : 0)
}
console.log(`kill loop: ${values.rounds} rounds, ${faults * 100} % of D1 batches fail, seed ${seed}`)
const report = await killLoop({ rounds: Number(values.rounds), faults, seed, at_most_ms, say: console.log })
console.log(JSON.stringify(report, null, 2))
const problems = broken(report)
if (values.write) {
  const { rounds, dispatched, answered, rows, outcomes, died_before_record, object_micros, rows_micros } = report
  const kinds = Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')
  const row = [
    new Date().toISOString().slice(0, 10),
    code,
    `\`npm run kill -- --rounds ${rounds} --faults ${faults} --seed ${seed}\``,
    ...[rounds, dispatched, answered, rows, kinds, report.lost.length, report.unrecorded.length, report.doubled.length],
    ...[died_before_record, object_micros, rows_micros, problems.join('; ') || 'equal'],
  ]
  appendFileSync(join(import.meta.dirname, 'RESULTS.md'), `| ${row.join(' | ')} |\n`)
}
console.log(problems.length ? `FAILED: ${problems.join(', ')}` : '0 lost, 0 unrecorded, 0 doubled; upstream, object and D1 agree')
process.exit(problems.length ? 1 : 0)
