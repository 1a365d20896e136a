/**
 * Sends the suite's requests to a router, a bounded number at a time, and says how far it is. Each goes to one target by its name,
 * through everything that a caller's request goes through; so it is paid for and recorded like one.
 */

import { Stop } from './ending.ts'
import { type Answer, reasonAgainst } from './evaluate-grade.ts'
import type { Item } from './evaluate-suite.ts'

export type Question = { target: string; item: Item; body: object }
/** `reason`: why it fails; null where it passes. `unanswered`: there was no answer to grade. */
export type Graded = { target: string; item: Item; answer: string; reason: string | null; unanswered: boolean }
export type Router = { url: string; key: string }

const WAIT_MS = 180_000
const BAR_CHARS = 30
/** Where nobody watches, a line each tenth. */
const STEPS = 10

/** Nothing a router says about the caller changes with the next question. */
const ENDS_ALL = new Set([401, 402, 403])

export async function askAll(questions: readonly Question[], router: Router, at_once: number): Promise<Graded[]> {
  const graded: Graded[] = []
  let next = 0
  const worker = async () => {
    for (let i = next++; i < questions.length; i = next++) {
      const question = questions[i] as Question
      graded[i] = await ask(question, router)
      tell(graded.filter(Boolean).length, questions.length, question.target)
    }
  }
  await Promise.all(Array.from({ length: at_once }, worker))
  if (process.stderr.isTTY) process.stderr.write('\n')
  return graded
}

async function ask({ target, item, body }: Question, { url, key }: Router): Promise<Graded> {
  const unanswered = (reason: string): Graded => ({ target, item, answer: '', reason, unanswered: true })
  let response: Response
  try {
    response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(WAIT_MS),
    })
  } catch (error) {
    return unanswered(error instanceof Error ? error.message : 'no answer')
  }
  const text = await response.text()
  if (ENDS_ALL.has(response.status)) throw new Stop(`${url} answered ${response.status}: ${messageIn(text)}`)
  if (!response.ok) return unanswered(`${response.status}: ${messageIn(text)}`)
  const answer = answerIn(text)
  if (!answer) return unanswered('the answer is no chat completion')
  return { target, item, answer: answer.text, reason: await reasonAgainst(item, answer), unanswered: false }
}

type Completion = {
  choices: { message: { content: string | null; tool_calls?: { function: { name: string; arguments: string } }[] } }[]
}

function answerIn(text: string): Answer | null {
  try {
    const message = (JSON.parse(text) as Completion).choices[0]?.message
    if (!message) return null
    return { text: message.content ?? '', calls: (message.tool_calls ?? []).map(call => call.function) }
  } catch {
    // The router answers in JSON; whatever else came is from something before it.
    return null
  }
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { error: { message: string } }).error.message
  } catch {
    // Not the router's own words.
    return text.slice(0, 100)
  }
}

function tell(done: number, of: number, target: string): void {
  const share = done / of
  if (process.stderr.isTTY) {
    const full = Math.round(share * BAR_CHARS)
    process.stderr.write(`\r[${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}] ${done}/${of} ${target.padEnd(40).slice(0, 40)}`)
  } else if (Math.floor(share * STEPS) > Math.floor(((done - 1) / of) * STEPS)) {
    process.stderr.write(`${done} of ${of}\n`)
  }
}
