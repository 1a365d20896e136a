/**
 * A thread for what a model wrote: a regular expression or one query, tried where it can be stopped. It may loop for ever, so the main
 * thread waits for it a bounded time and then ends it. The query runs in an empty database in memory that can open no other.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Graders } from './evaluate-suite.ts'

export type Trial = { text: string } & Pick<Graders, 'regex' | 'sql'>

parentPort?.postMessage(reasonAgainst(workerData as Trial))

/** Why it is wrong; null where it is right. */
function reasonAgainst({ text, regex, sql }: Trial): string | null {
  try {
    if (regex) return againstRegex(text, regex)
    if (sql) return againstQuery(text, sql)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function againstRegex(text: string, { match, reject }: NonNullable<Graders['regex']>): string | null {
  const literal = /^\/(.*)\/([a-z]*)$/s.exec(text)
  const pattern = new RegExp(`^(?:${literal?.[1] ?? text})$`, literal?.[2]?.replace(/[gy]/g, '') ?? '')
  const missed = match.find(each => !pattern.test(each))
  if (missed !== undefined) return `does not match ${JSON.stringify(missed)}`
  const wrong = reject.find(each => pattern.test(each))
  return wrong === undefined ? null : `matches ${JSON.stringify(wrong)}`
}

function againstQuery(text: string, { setup, rows, ordered }: NonNullable<Graders['sql']>): string | null {
  if (!/^\s*(select|with)\b/i.test(text)) return 'is no query'
  if (/\b(attach|pragma|load_extension|vacuum)\b/i.test(text)) return 'does more than ask'
  const database = new DatabaseSync(':memory:', { allowExtension: false })
  database.exec(setup)
  const got = database
    .prepare(text)
    .all()
    .map(row => JSON.stringify(Object.values(row)))
  const wanted = rows.map(row => JSON.stringify(row))
  const same = (a: string[], b: string[]) => a.length === b.length && a.every((each, i) => each === b[i])
  if (same(ordered ? got : got.toSorted(), ordered ? wanted : wanted.toSorted())) return null
  return `gives ${got.slice(0, 5).join(' ') || 'nothing'}`
}
