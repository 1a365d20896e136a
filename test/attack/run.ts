/**
 * `npm run attack`: the whole attack suite, printed and written to RESULTS.md with machine and date. Its short form is a test.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { machine, today } from '../bench/results.ts'
import { type Attacked, attackReport, type Report, WHOLE } from './attack.ts'

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const times = (ratio: number) => `${ratio.toFixed(2)} x`

function pageOf(report: Report): string {
  const row = ({ name, place, difficulty, upgraded, spend, bounded, gadget }: Attacked) =>
    `| ${name} | ${place} | ${difficulty.toFixed(2)} | ${percent(upgraded)} | ${times(spend)} | ${times(bounded)} | ${gadget.join(' ')} |`
  const bound = report.bound.map(
    ({ share, above_micros_per_mtok }) => `${percent(share)} above $${above_micros_per_mtok / 1_000_000} per million output tokens`,
  )
  return `# What crafted text can buy

Made by \`npm run attack\` on ${today()} (${machine().cpu}, Node ${process.versions.node}). ${report.prompts} prompts of the released corpus under the
bundled default policy over ${report.targets} priced targets; clean difficulty ${report.clean_difficulty.toFixed(2)}. The gadgets of ten words were
found on other prompts. *Upgraded*: of the requests that did not go to a target of the dearest class before, those that now do.
*Spend* is over that of the clean prompts, with answers as long as theirs: the question is the same. The bound (\`expensive\` of a key, a team or an organisation) follows honest traffic, a tenth below what it had: ${bound.join(', ')}.

| attack | gadget | difficulty | upgraded | spend, no bound | spend, bound on | words |
|---|---|---|---|---|---|---|
${report.attacks.map(row).join('\n')}

*random*: ten frequent words. *greedy*: the scorer is asked and nothing of it known. *white box*: the search goes through the lexicon's own phrases. No
weighting of words withstands this (published: 95 to 99 % upgraded for linear routers, and clipping weights does not help); what holds is the bound.
Here it is judged request by request; in a running router an isolate hears of it with each answer, so it is a request or a few behind.
`
}

const page = pageOf(attackReport(WHOLE))
writeFileSync(join(import.meta.dirname, 'RESULTS.md'), page)
process.stdout.write(page)
