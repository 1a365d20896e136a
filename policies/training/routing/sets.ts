/**
 * Graded prompts, from any folder of JSON lines with `{prompt, scores}`: which set a row is of, which questions are the same, and which
 * two models a router chooses between.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { jsonLines, type Routed } from '../data.ts'

export type Graded = {
  prompt: string
  scores: Record<string, number>
  /** Subject, category or data set within the set: what a domain prior may know, and what is left out as a whole. */
  part: string
  /** Rows of one question, however wrapped, share this; they are always on one side of a split. */
  question: string
}
export type GradedSet = { name: string; rows: Graded[]; models: string[]; strong: string; weak: string }

/** Results of these are failures of a harness to read them, and not of the models (shared/data/README). */
const NOT_MEASURED = new Set([
  'gpt-4o-2024-08-06',
  'mistral-large-2407',
  'NousResearch_Hermes-2-Theta-Llama-3-70B',
  'NousResearch_Hermes-2-Theta-Llama-3-8B',
])
/** A model graded on fewer of the rows than this is left out of the set. */
const COVERAGE_LEAST = 0.95
/** The weaker of the pair is the best model that is this much worse than the best; between GPT-4 and Mixtral it is .13 and .22. */
const PAIR_GAP = 0.15
const ROWS_LEAST = 60

/** The question of a prompt without its wrapping: its first line of some length, letters only. Options shuffled or added do not change it. */
export function questionOf(prompt: string): string {
  const lines = prompt.split('\n').map(line => line.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, ''))
  return (lines.find(line => line.length >= 24) ?? lines.join('')).slice(0, 160)
}

export function gradedSets(folder: string): GradedSet[] {
  const bySet = new Map<string, Graded[]>()
  for (const file of readdirSync(folder)
    .filter(name => name.endsWith('.jsonl'))
    .sort()) {
    for (const row of jsonLines<Partial<Routed>>(join(folder, file))) {
      if (typeof row.prompt !== 'string' || !row.scores || Object.keys(row.scores).length < 2) continue
      const dataset = row.dataset ?? file.replace('.jsonl', '')
      // Sets of several files and files of several sets: an id says which by what stands before its first slash.
      const name = row.id?.includes('/') ? (row.id.split('/')[0] ?? dataset) : dataset
      const scores = name.startsWith('bfcl')
        ? Object.fromEntries(Object.entries(row.scores).filter(([model]) => !NOT_MEASURED.has(model)))
        : row.scores
      const rows = bySet.get(name) ?? []
      rows.push({
        prompt: row.prompt,
        scores,
        part: name === dataset ? (row.subset ?? dataset) : dataset,
        question: questionOf(row.prompt),
      })
      bySet.set(name, rows)
    }
  }
  return [...bySet].flatMap(([name, all]) => {
    if (all.length < ROWS_LEAST) return []
    const counts = new Map<string, [rows: number, sum: number]>()
    for (const { scores } of all)
      for (const [model, score] of Object.entries(scores)) {
        const [rows, sum] = counts.get(model) ?? [0, 0]
        counts.set(model, [rows + 1, sum + score])
      }
    const means = [...counts]
      .filter(([, [rows]]) => rows >= COVERAGE_LEAST * all.length)
      .map(([model, [rows, sum]]) => ({ model, mean: sum / rows }))
    means.sort((a, b) => b.mean - a.mean || a.model.localeCompare(b.model))
    const [best] = means
    if (!best) return []
    const second = means.find(({ mean }) => mean <= best.mean - PAIR_GAP) ?? means.at(-1)
    if (!second || second.model === best.model) return []
    const models = means.map(({ model }) => model)
    return [
      {
        name,
        rows: all.filter(({ scores }) => scores[best.model] !== undefined && scores[second.model] !== undefined),
        models,
        strong: best.model,
        weak: second.model,
      },
    ]
  })
}
