/**
 * `npm run fuzz -- --rounds 100000 --seed 1`: the long form of `fuzz.test.ts`, some minutes on one core. Its result is written to
 * test/fuzz/RESULTS.md where all of a hundred thousand rounds were done. Ends with 1 where a stream depended on how it was cut.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzz } from './streams.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } } })
const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
const done = fuzz(rounds, seed)
const count = (n: number) => n.toLocaleString('en')
const text = `# What the fuzz found

${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}.
\`npm run fuzz -- --rounds ${rounds} --seed ${seed}\`

Recorded streams of every format in other line ends, with comments and stray fields, without their last blank line or their
terminator, or broken off anywhere, each cut into random pieces in twenty ways. Asked was whether the events, or what a caller of
each format is sent, are those of the same bytes in one piece.

| streams | ways to cut them | pieces | bytes | differences |
| --: | --: | --: | --: | --: |
| ${count(done.streams)} | ${count(done.rounds)} | ${count(done.pieces)} | ${count(done.bytes)} | ${done.failures.length} |
`
console.log(text)
for (const failure of done.failures.slice(0, 20)) console.log(JSON.stringify(failure))
if (rounds >= 100_000) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), text)
process.exit(done.failures.length > 0 ? 1 : 0)
