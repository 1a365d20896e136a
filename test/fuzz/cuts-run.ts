/**
 * `npm run fuzz:cuts -- --cuts 100000 --seed 1`: the long form of `cuts.test.ts`, about a minute. What came of it is written to
 * test/fuzz/CUTS.md where all of a hundred thousand cuts were made. Ends with 1 where an answer came out wrong.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cuts } from './cuts.ts'

const { values } = parseArgs({ options: { cuts: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } } })
const [count, seed] = [Number(values.cuts), Number(values.seed)]
const started = performance.now()
const done = cuts(count, seed)
const number = (n: number) => n.toLocaleString('en')
const rescued = Object.values(done.rescued).reduce((sum, n) => sum + n, 0)
const errors = Object.entries(done.errors).sort((a, b) => b[1] - a[1])
const wrong = new Set(done.failures.filter(({ kind }) => kind !== 'told as whole').map(({ cut }) => cut)).size
const share = (100 * (rescued - wrong)) / done.of_text
const equal = (100 * (rescued - wrong)) / rescued
const failed = (kind: string) => number(done.failures.filter(failure => failure.kind === kind).length)
const text = `# Streams that break off

${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}, ${Math.round((performance.now() - started) / 1_000)} s.
\`npm run fuzz:cuts -- --cuts ${count} --seed ${seed}\`

Recorded and made-up answers in five formats, cut at a random byte on their way to a caller of one of three formats, and taken up by a target of
one of five where that may be done: it goes on exactly, it begins anew, or it first says its last words again.

| of ${number(done.cuts)} cuts | |
|---|--:|
| behind the reason to end: a whole answer | ${number(done.whole)} |
| before the first token: another target answers, unseen | ${number(done.unseen)} |
| taken up by a target that goes on | ${number(done.rescued.continue)} |
| taken up by one that begins anew | ${number(done.rescued.restart)} |
| taken up by one that repeats up to 200 letters first | ${number(done.rescued.repeat)} |
| not taken up, an error in band: ${errors.map(([why, n]) => `${why} ${number(n)}`).join(', ')} | ${number(errors.reduce((sum, [, n]) => sum + n, 0))} |
| left out: sixteen letters come twice in a row, for the first time, right there | ${number(done.ambiguous)} |

| of these | |
|---|--:|
| truncated answers told as whole | ${failed('told as whole')} |
| of ${number(rescued)} taken up: letters missing or twice | ${failed('text')} |
| of ${number(rescued)} taken up: not exactly one end | ${failed('ending')} |

Rescued (goal M13, at least 95 %): of ${number(done.of_text)} cuts behind the first token of answers that are text and nothing else, ${share.toFixed(1)} % came out whole; of those that
were taken up ${equal.toFixed(equal === 100 ? 0 : 3)} % letter for letter. The rest ended in an error in band.
`
console.log(text)
for (const failure of done.failures.slice(0, 20)) console.log(JSON.stringify(failure))
if (count >= 100_000) writeFileSync(join(import.meta.dirname, 'CUTS.md'), text)
process.exit(done.failures.length > 0 ? 1 : 0)
