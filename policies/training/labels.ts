/**
 * What each row of the data says a text is: its task, its domain, whether it attacks, how much a strong model gains on it. Sources are
 * grouped in families, so that "never trained on" means a whole family of the same making, and not one file of it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Domain, Task } from '../../worker/schema/features.ts'
import { jsonLines, ownCorpus, type Routed, type Safety, type Typed } from './data.ts'

export type TaskText = { text: string; task: Task; source: string; family: string; group: string }
export type DomainText = { text: string; domain: Domain; source: string; group: string }
export type AttackText = { text: string; attack: boolean; source: string; kind: string }

const TASK_OF: Record<string, Task> = {
  math: 'mathematics',
  qa_knowledge: 'factual_question',
  reasoning: 'reasoning',
  tool_use: 'agentic',
  qa_context: 'grounded_question',
  classification: 'extraction',
  extraction: 'extraction',
  summarization: 'summary',
  creative_writing: 'creative_writing',
  rewriting: 'rewriting',
}

const familyOf = (source: string) => /^(p3|llmrouter|bfcl|bbh|agieval|mgsm|math|selfinstruct|glaive|own|clinc)/.exec(source)?.[1] ?? source

function taskOf({ task, source, native }: Typed): Task | null {
  if (task === 'code') return source === 'cruxeval' || native.includes('execution') ? 'code_understanding' : 'code_generation'
  return task === null ? null : (TASK_OF[task] ?? null)
}

/** Intents of an assistant that does things, by the domains of CLINC150; and its small talk. */
const CLINC_ACTS = new Set(['home', 'auto_and_commute', 'travel', 'work', 'kitchen_and_dining', 'banking', 'credit_cards', 'utility'])
const CLINC_NOT_ACTS = new Set([
  'spelling',
  'definition',
  'translate',
  'calculator',
  'measurement_conversion',
  'recipe',
  'ingredients_list',
])
const CLINC_ACTS_STEP = 12
const CLINC_TALK_STEP = 3

export function taskTexts(folder: string): TaskText[] {
  const typed = jsonLines<Typed>(join(folder, 'task_types.jsonl')).flatMap(row => {
    const task = taskOf(row)
    return task === null
      ? []
      : [{ text: row.prompt, task, source: row.source, family: familyOf(row.source), group: row.prompt.slice(0, 80) }]
  })
  const own = ownCorpus().map(({ prompt, task, group }) => ({
    text: prompt,
    task: task as Task,
    source: `own/${task}`,
    family: 'own',
    group,
  }))
  const clinc = jsonLines<{ text: string; intent: string; domain: string }>(join(folder, 'clinc150.jsonl')).flatMap(
    (row, index): TaskText[] => {
      const talk = row.domain === 'small_talk'
      const acts = CLINC_ACTS.has(row.domain) && !CLINC_NOT_ACTS.has(row.intent)
      if (!(talk && index % CLINC_TALK_STEP === 0) && !(acts && index % CLINC_ACTS_STEP === 0)) return []
      return [{ text: row.text, task: talk ? 'conversation' : 'agentic', source: `clinc/${talk}`, family: 'clinc', group: row.text }]
    },
  )
  return [...typed, ...own, ...clinc]
}

/** MMLU's subjects and MMLU-Pro's categories, by what their names begin with or hold; the first that fits. */
const SUBJECTS: [RegExp, Domain][] = [
  [/law|jurisprudence/, 'law'],
  [/medicine|clinical|anatomy|virology|nutrition|aging|medical|health/, 'medicine'],
  [/computer|machine_learning|security$/, 'code'],
  [/account|market|management|business|econometrics|public_relations/, 'business'],
  [/math|algebra|physics|chemistry|biology|astronomy|statistics|engineering|genetics/, 'stem'],
  [/psychology|sociology|econom|geography|politics|government|foreign|security_studies|sexuality/, 'social_sciences'],
  [/history|philosophy|moral|religion|logic|prehistory|ethics/, 'humanities'],
]
export const domainOfSubject = (subject: string): Domain | null => SUBJECTS.find(([name]) => name.test(subject))?.[1] ?? null

export function domainTexts(folder: string): DomainText[] {
  const routed = ['routellm', 'mmlu_pro'].flatMap(name =>
    jsonLines<Routed>(join(folder, `${name}.jsonl`)).flatMap(({ subset, prompt, dataset }): DomainText[] => {
      const domain = subset === undefined || subset === 'gsm8k' ? null : domainOfSubject(subset)
      return domain ? [{ text: prompt, domain, source: dataset, group: prompt.slice(0, 60) }] : []
    }),
  )
  const own = ownCorpus().map(({ prompt, domain, group }) => ({ text: prompt, domain: domain as Domain, source: 'own', group }))
  const typed = jsonLines<Typed>(join(folder, 'task_types.jsonl')).flatMap(({ task, source, prompt }, index): DomainText[] => {
    const domain =
      task === 'code'
        ? 'code'
        : task === 'math'
          ? 'stem'
          : source === 'commonsenseqa' || /^bbh_(snarks|ruin|sports|movie|navigate)/.test(source)
            ? 'general'
            : null
    return domain && index % 4 === 0 ? [{ text: prompt, domain, source, group: prompt.slice(0, 60) }] : []
  })
  const bank = jsonLines<{ text: string }>(join(folder, 'banking77.jsonl')).flatMap(({ text }, index): DomainText[] =>
    index % 15 === 0 ? [{ text, domain: 'business', source: 'banking77', group: text }] : [],
  )
  const talk = jsonLines<{ text: string; domain: string }>(join(folder, 'clinc150.jsonl')).flatMap(
    ({ text, domain }, index): DomainText[] =>
      index % 20 === 0 && ['small_talk', 'meta', 'home', 'kitchen_and_dining', 'travel'].includes(domain)
        ? [{ text, domain: 'general', source: 'clinc150', group: text }]
        : [],
  )
  return [...routed, ...own, ...typed, ...bank, ...talk]
}

/**
 * Attacks, and what is none. A harmful request asked plainly is neither: it attacks nobody's instructions, and what is done about it is
 * the model's own business; such rows are left out.
 */
export function attackTexts(folder: string): AttackText[] {
  const safety = jsonLines<Safety>(join(folder, 'safety.jsonl')).flatMap(({ text, source, label, kind }): AttackText[] =>
    label === 'unsafe' ? [] : [{ text, attack: label === 'attack', source, kind }],
  )
  const harmless = taskTexts(folder).flatMap(({ text, source, family }, index): AttackText[] =>
    family === 'own' || index % 4 === 0 ? [{ text, attack: false, source, kind: 'harmless' }] : [],
  )
  const own = jsonLines<{ prompt: string; group: string; attack: boolean }>(join(import.meta.dirname, 'corpus/attacks.jsonl')).map(
    ({ prompt, attack }): AttackText => ({ text: prompt, attack, source: 'own', kind: attack ? 'own_attack' : 'look_alike' }),
  )
  return [...safety, ...harmless, ...own]
}

/** Tasks of prompts that people wrote, labelled by hand here; measured on, never trained on. */
export function humanTexts(folder: string): TaskText[] {
  const { labels } = JSON.parse(readFileSync(join(import.meta.dirname, 'human-prompts.json'), 'utf8')) as { labels: Record<string, Task> }
  return jsonLines<Typed>(join(folder, 'task_types.jsonl')).flatMap(({ id, prompt, source }) => {
    const task = labels[id]
    return task ? [{ text: prompt, task, source, family: 'selfinstruct', group: id }] : []
  })
}
