/**
 * The data that everything here is trained and measured on, read as it lies: JSON lines in one folder, each file in its own
 * form. Rows never leave that folder; only weights do.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The rows of one JSON lines file; none where the file is not there. */
export function jsonLines<Row>(path: string): Row[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => JSON.parse(line) as Row)
}

export type Routed = {
  id: string
  dataset: string
  subset?: string
  src?: string
  split?: string
  prompt: string
  scores: Record<string, number>
}
export type Typed = { id: string; source: string; prompt: string; native: string; task: string | null }
export type Safety = { source: string; text: string; label: 'attack' | 'unsafe' | 'benign'; kind: string }
export type Own = { id: string; group: string; prompt: string; task: string; domain: string; language: string; difficulty: number }

export const ROUTING_FILES = ['routellm', 'mmlu_pro', 'zeroeval', 'bfcl_2024_08', 'llmrouter_example'] as const

export const ownCorpus = (): Own[] => jsonLines<Own>(join(import.meta.dirname, 'corpus/prompts.jsonl'))

/** Every prompt there is, with where it is from, whatever is said about it. */
export function allPrompts(folder: string): { source: string; text: string }[] {
  const of = <Row>(name: string) => jsonLines<Row>(join(folder, `${name}.jsonl`))
  return [
    ...ROUTING_FILES.flatMap(name => of<Routed>(name).map(({ dataset, prompt }) => ({ source: dataset, text: prompt }))),
    ...of<Typed>('task_types').map(({ source, prompt }) => ({ source, text: prompt })),
    ...of<Safety>('safety').map(({ source, text }) => ({ source, text })),
    ...of<{ text: string }>('clinc150').map(({ text }) => ({ source: 'clinc150', text })),
    ...of<{ text: string }>('banking77').map(({ text }) => ({ source: 'banking77', text })),
    ...ownCorpus().map(({ task, prompt }) => ({ source: `own/${task}`, text: prompt })),
  ]
}
