/**
 * Whether an answer passes: every grader of its item must be content. A grader looks for what was asked and forgives what was not:
 * capitals, a full stop, quotes, a fence of code around it, thoughts before it.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { languageOf } from '../core/understand/language.ts'
import { appendWords, noWords } from '../core/understand/words.ts'
import type { Graders } from './evaluate-suite.ts'
import type { Trial } from './evaluate-untrusted.ts'

export type Answer = { text: string; calls: { name: string; arguments: string }[] }

/** A model's pattern or query gets so long, and no longer. */
const TRIED_FOR_MS = 2_000

/** Why it fails, in a few words; null where it passes. */
export async function reasonAgainst(item: Graders, { text, calls }: Answer): Promise<string | null> {
  const bare = bareOf(text)
  if (bare === '' && calls.length === 0) return 'is empty'
  const reason =
    againstWords(item, bare) ??
    againstValue(item, bare) ??
    againstForm(item.form, bare) ??
    againstCalls(item, calls) ??
    againstLanguage(item, bare)
  if (reason !== null || (!item.regex && !item.sql)) return reason
  return tried({ text: bare.replace(/;\s*$/, ''), ...(item.regex ? { regex: item.regex } : { sql: item.sql }) })
}

/** Without thoughts, the fence around it, and space. */
function bareOf(text: string): string {
  const spoken = text.replace(/<think>[\s\S]*?<\/think>/g, '').trim()
  const fenced = /^```[\w-]*\n([\s\S]*?)\n?```$/.exec(spoken) ?? /^`([^`]+)`$/.exec(spoken)
  return (fenced?.[1] ?? spoken).trim()
}

const plain = (text: string) =>
  text
    .toLowerCase()
    .replace(/[*_"'“”‘’«»`]/g, '')
    .replace(/\s+/g, ' ')
    .replace(/[.!。]+$/, '')
    .trim()

function againstWords({ is, letter, says, says_one, never, exact_case }: Graders, text: string): string | null {
  const seen = exact_case ? text : text.toLowerCase()
  const has = (word: string) => seen.includes(exact_case ? word : word.toLowerCase())
  if (is !== undefined && ![is].flat().some(each => plain(each) === plain(text))) return `is not ${JSON.stringify([is].flat()[0])}`
  if (letter !== undefined && !new RegExp(`^\\W*${letter}\\b`, 'i').test(text)) return `is not ${letter}`
  const missing = says?.find(word => !has(word))
  if (missing !== undefined) return `does not say ${JSON.stringify(missing)}`
  if (says_one && !says_one.some(has)) return `says none of ${says_one.join(', ')}`
  const said = never?.find(has)
  return said === undefined ? null : `says ${JSON.stringify(said)}`
}

function againstValue({ number, within = 1e-9, json, json_has }: Graders, text: string): string | null {
  if (number !== undefined) {
    const last = text
      .replace(/(\d),(?=\d{3}\b)/g, '$1')
      .match(/[-−]?\d+(?:\.\d+)?/g)
      ?.at(-1)
    if (last === undefined || Math.abs(Number(last.replace('−', '-')) - number) > within) return `is not ${number}`
  }
  if (json === undefined && json_has === undefined) return null
  const value = jsonIn(text)
  if (value === undefined) return 'is no JSON'
  if (json !== undefined && !isSame(value, json)) return 'is other JSON'
  return json_has !== undefined && !hasMembers(value, json_has) ? 'lacks a member' : null
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Some put a sentence before it, which nobody asked for: that is a failure and no fault of ours.
    return undefined
  }
}

/** Texts are compared as `is` does, members in any order. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') return plain(a) === plain(b)
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => isSame(each, b[i]))
  if (isObject(a) && isObject(b)) return Object.keys(a).length === Object.keys(b).length && hasMembers(a, b)
  return a === b
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const hasMembers = (value: unknown, members: Record<string, unknown>): boolean =>
  isObject(value) && Object.entries(members).every(([name, member]) => Object.hasOwn(value, name) && isSame(value[name], member))

function againstForm(form: Graders['form'], text: string): string | null {
  if (!form) return null
  const lines = text.split('\n').filter(line => line.trim() !== '')
  const words = text.match(/[\p{L}\p{N}][\p{L}\p{N}'’/-]*/gu) ?? []
  const { lines: wanted, words_at_least = 0, words_at_most = Number.POSITIVE_INFINITY, each_line_starts_with, initials, words_begin } = form
  if (wanted !== undefined && lines.length !== wanted) return `has ${lines.length} lines`
  if (words.length < words_at_least || words.length > words_at_most) return `has ${words.length} words`
  if (form.starts_with !== undefined && !plain(text).startsWith(plain(form.starts_with))) return `does not begin with ${form.starts_with}`
  if (form.ends_with !== undefined && !plain(text).endsWith(plain(form.ends_with))) return `does not end with ${form.ends_with}`
  if (each_line_starts_with !== undefined && !lines.every(line => line.trimStart().startsWith(each_line_starts_with)))
    return `has a line without ${JSON.stringify(each_line_starts_with)}`
  if (initials !== undefined && lines.map(line => plain(line)[0]).join('') !== initials.toLowerCase()) return 'has other initials'
  if (words_begin !== undefined && !words.every(word => word.toLowerCase().startsWith(words_begin)))
    return `has a word without ${words_begin}`
  const held = form.without?.find(each => text.toLowerCase().includes(each))
  return held === undefined ? null : `has ${JSON.stringify(held)}`
}

function againstCalls({ calls, calls_none }: Graders, made: Answer['calls']): string | null {
  if (calls_none && made.length > 0) return `calls ${made[0]?.name}`
  if (!calls) return null
  const call = made.find(each => each.name === calls.name)
  if (!call) return made[0] ? `calls ${made[0].name}` : 'calls nothing'
  return hasMembers(jsonIn(call.arguments), calls.arguments) ? null : `calls ${calls.name} with other arguments`
}

function againstLanguage({ language }: Graders, text: string): string | null {
  if (language === undefined) return null
  const words = noWords()
  appendWords(words, text, 0, text.length)
  const found = languageOf(text, words).language
  return found === language ? null : `is in ${found}`
}

function tried(trial: Trial): Promise<string | null> {
  return new Promise(resolve => {
    const thread = new Worker(join(import.meta.dirname, 'evaluate-untrusted.ts'), {
      workerData: trial,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 64 },
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const late = setTimeout(() => end('takes too long'), TRIED_FOR_MS)
    const end = (reason: string | null) => {
      clearTimeout(late)
      void thread.terminate()
      resolve(reason)
    }
    thread.once('message', end)
    thread.once('error', error => end(error.message))
  })
}
