/** `npm run kill -- --rounds 40 --faults 0.6 --seed 1`: the long form of `kill.test.ts`. Ends with 1 where a row is lost or doubled. */
import { parseArgs } from 'node:util'
import { killLoop } from './kill-loop.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    faults: { type: 'string', default: '0.6' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const options = { rounds: Number(values.rounds), faults: Number(values.faults), seed: Number(values.seed) }
console.log(`kill loop: ${options.rounds} rounds, ${options.faults * 100} % of D1 batches fail, seed ${options.seed}`)
const report = await killLoop({ ...options, say: console.log })
console.log(JSON.stringify(report, null, 2))
const broken = report.lost.length + report.doubled.length + report.left
console.log(broken ? `FAILED: ${report.lost.length} lost, ${report.doubled.length} doubled, ${report.left} left` : '0 lost, 0 doubled')
process.exit(broken ? 1 : 0)
