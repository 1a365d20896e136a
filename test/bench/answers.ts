/**
 * What the upstream of the benchmark says, and how an answer that came through a gateway is judged against it.
 *
 * The speed of a wrong answer is worth nothing, so every answer is checked: the first of each cell is parsed and compared
 * with what the upstream said, and all later ones must have the same status, length and number of events.
 */
import type { Answer } from './http-answer.ts'

/** Events of a stream, its first (role), its last (finish) and the terminator included. */
export const STREAM_EVENTS = 200
/** Between two events of a paced stream: about 200 tokens a second, a fast model of today. */
export const PACE_MS = 5
/** What the slow model waits before it answers: more than a gateway's own work, less than a real model. */
export const FIXED_DELAY_MS = 50

/** The upstream chooses how to answer by the name of the model, because that is the one thing every gateway passes on. */
export const MODELS = [
  'bench',
  'bench-slow',
  'bench-paced',
  'bench-failing',
  'bench-openai-chat',
  'bench-openai-responses',
  'bench-anthropic-messages',
  'bench-gemini',
  'bench-bedrock-converse',
  'bench-cohere-chat',
] as const
export type Model = (typeof MODELS)[number]

const CONTENT =
  'Group the table by lower(trim(email)), keep the groups that hold more than one row, and join them back to see the whole rows. ' +
  'An index on the same expression keeps that fast, and a unique one prevents the next duplicate.'
const USAGE = { prompt_tokens: 412, completion_tokens: 57, total_tokens: 469 }

/** About 600 bytes, the size of a short real answer. */
export function wholeAnswer(model: Model): string {
  return JSON.stringify({
    id: 'chatcmpl-BenchAnswer0000000000000001',
    object: 'chat.completion',
    created: 1_764_000_000,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: CONTENT, refusal: null }, logprobs: null, finish_reason: 'stop' }],
    usage: { ...USAGE, prompt_tokens_details: { cached_tokens: 0 } },
    system_fingerprint: 'fp_bench',
  })
}

const word = (index: number) => ` word${String(index).padStart(3, '0')}`

/** The events of a stream, each ready to send. */
export function streamAnswer(model: Model): string[] {
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-BenchStream0000000000000001',
      object: 'chat.completion.chunk',
      created: 1_764_000_000,
      model,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })}\n\n`
  const words = Array.from({ length: STREAM_EVENTS - 3 }, (_, index) => chunk({ content: word(index) }, null))
  return [chunk({ role: 'assistant', content: '' }, null), ...words, chunk({}, 'stop'), 'data: [DONE]\n\n']
}

export const FAILURE = JSON.stringify({ error: { message: 'The engine is overloaded', type: 'server_error', param: null, code: null } })

/** Counts event ends. Line ends are those of our own upstream, so one pattern is enough. */
export function countEvents(body: Buffer): number {
  let events = 0
  for (let at = body.indexOf('\n\n'); at >= 0; at = body.indexOf('\n\n', at + 2)) events++
  return events
}

type Delta = { choices: { delta: { content?: string } }[] }

/** Null where the answer is the upstream's own, else what is wrong with it. */
export function faultOf(answer: Answer, stream: boolean): string | null {
  const body = answer.body()
  if (answer.status !== 200) return `status ${answer.status}: ${body.toString('utf8', 0, 200)}`
  try {
    if (!stream) {
      const said = JSON.parse(body.toString()) as { choices: { message: { content: string } }[]; usage: typeof USAGE }
      if (said.choices[0]?.message.content !== CONTENT) return 'another text than the upstream gave'
      return said.usage.total_tokens === USAGE.total_tokens ? null : 'another usage than the upstream gave'
    }
    const events = body.toString().split('\n\n').slice(0, -1)
    if (events.length !== STREAM_EVENTS) return `${events.length} events instead of ${STREAM_EVENTS}`
    if (events.at(-1) !== 'data: [DONE]') return 'a stream without its end'
    const text = events.slice(0, -1).map(event => (JSON.parse(event.slice('data: '.length)) as Delta).choices[0]?.delta.content ?? '')
    const expected = Array.from({ length: STREAM_EVENTS - 3 }, (_, index) => word(index)).join('')
    return text.join('') === expected ? null : 'another text than the upstream gave'
  } catch (error) {
    return `not an answer: ${error instanceof Error ? error.message : String(error)}`
  }
}
