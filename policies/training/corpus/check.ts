/**
 * Checks the corpus: every row well formed, no prompt twice, none too near another of its task, all tasks and languages there.
 *
 *     node policies/training/corpus/check.ts
 */
import * as z from 'zod'
import { domain, TASKS, task } from '../../../worker/schema/features.ts'
import { ownCorpus } from '../data.ts'

const PROMPTS_LEAST = 3_000
const PROMPTS_PER_TASK_LEAST = 150
const LANGUAGES_LEAST = 10
/** The scenarios of a task; its prompts are no more varied than these. */
const SCENARIOS_PER_TASK_LEAST = 25
/** Share of word triples in common, in which two prompts of one task are near-duplicates; and how many pairs may be: none. */
const OVERLAP_MAX = 0.6

const row = z.strictObject({
  id: z.string().regex(/^own\/[a-z_]+\/\d+\/\d+$/),
  group: z.string(),
  prompt: z.string().min(1).max(20_000),
  task,
  domain,
  language: z.string().regex(/^[a-z]{2}$/),
  difficulty: z.number().min(0).max(1),
})

/** Word triples of a text; of characters, where it has hardly any words. */
export function triples(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{M}]+|\p{N}+/gu) ?? []
  const units = words.length >= 4 ? words : [...text.replaceAll(/\s/g, '')]
  return new Set(units.map((_, i) => units.slice(i, i + 3).join(' ')))
}

export function overlap(a: Set<string>, b: Set<string>): number {
  let both = 0
  for (const each of a) if (b.has(each)) both++
  return both / (a.size + b.size - both)
}

/** What is wrong with the corpus, in sentences; empty where nothing is. */
export function problemsOf(rows: unknown[]): string[] {
  const problems: string[] = []
  const good = rows.flatMap((each, index) => {
    const read = row.safeParse(each)
    if (!read.success) problems.push(`row ${index + 1}: ${z.prettifyError(read.error)}`)
    return read.success ? [read.data] : []
  })
  const least = (what: string, have: number, want: number) => {
    if (have < want) problems.push(`${what}: ${have}, and there should be ${want} at least`)
  }
  least('prompts', good.length, PROMPTS_LEAST)
  least('languages', new Set(good.map(each => each.language)).size, LANGUAGES_LEAST)
  least('different prompts', new Set(good.map(each => each.prompt)).size, good.length)
  for (const name of TASKS) {
    const ofTask = good.filter(each => each.task === name)
    least(`prompts of ${name}`, ofTask.length, PROMPTS_PER_TASK_LEAST)
    least(`scenarios of ${name}`, new Set(ofTask.map(each => each.group)).size, SCENARIOS_PER_TASK_LEAST)
    // Only prompts that share a triple are compared, by a list of who has it.
    const having = new Map<string, number[]>()
    const sizes: number[] = []
    for (const [i, { prompt, id }] of ofTask.entries()) {
      const grams = triples(prompt)
      const shared = new Map<number, number>()
      for (const gram of grams) {
        const others = having.get(gram)
        for (const j of others ?? []) shared.set(j, (shared.get(j) ?? 0) + 1)
        if (others) others.push(i)
        else having.set(gram, [i])
      }
      for (const [j, both] of shared)
        if (both / (grams.size + (sizes[j] ?? 0) - both) > OVERLAP_MAX) problems.push(`${id} is nearly ${ofTask[j]?.id}`)
      sizes.push(grams.size)
    }
  }
  return problems
}

if (import.meta.main) {
  const problems = problemsOf(ownCorpus())
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.stdout.write(`${ownCorpus().length} prompts, ${problems.length} problems\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
