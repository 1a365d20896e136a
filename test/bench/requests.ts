/**
 * The requests: conversations in plain English, as a person's client would send them, to the byte of the size asked for.
 * Sixteen different ones of each size, so that nothing is measured on one lucky text.
 */
import type { DialectName } from '../../worker/schema/chat.ts'

export const VARIANTS = 16

const SENTENCES = [
  'The report says that orders fell by four per cent in March while refunds grew.',
  'Could you explain why the second query is slower although it reads fewer rows?',
  'Our customers are mostly small shops in the north, and they pay by invoice.',
  'The function retries three times and then gives up without telling the caller.',
  'Please keep the tone friendly, avoid jargon, and mention the deadline of 12 May.',
  "SELECT customer_id, count(*) FROM orders WHERE placed_at > now() - interval '30 days' GROUP BY 1;",
  'I tried to restart the service, but the lock file was still there: /var/run/app.lock.',
  'What would you change in the second paragraph so that a newcomer can follow it?',
  'It works on my machine, and it fails in the pipeline with exit code 137.',
  'Translate the summary into German and keep the product names as they are.',
]

/** A running number generator of 32 bits: the same requests on every machine and day. */
const numbers = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

export const prose = (bytes: number, seed: number) => {
  const next = numbers(seed)
  let text = ''
  while (text.length < bytes) text += `${SENTENCES[Math.floor(next() * SENTENCES.length)]} `
  return text.slice(0, bytes)
}

/** A turn of a long conversation is about this long. */
const TURN_BYTES = 1_500

/** Turns of a conversation that ends with the user, `bytes` of text in all. */
export function conversation(bytes: number, seed: number): { role: 'system' | 'user' | 'assistant'; content: string }[] {
  const system = {
    role: 'system' as const,
    content: 'You are a helpful assistant of a software company. Answer briefly and say when you are not sure.',
  }
  const left = Math.max(0, bytes - system.content.length)
  const turns = 2 * Math.floor(left / TURN_BYTES / 2) + 1
  const size = Math.floor(left / turns)
  return [
    system,
    ...Array.from({ length: turns }, (_, turn) => ({
      role: turn % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: prose(turn === 0 ? left - size * (turns - 1) : size, seed * 1_000 + turn),
    })),
  ]
}

/** What one contender is asked: its name for the model, and what it wants to be told in headers. */
export type Asked = {
  model: string
  headers?: Record<string, string>
  path?: string
  /** Of the request, where it is not Chat Completions. */
  format?: DialectName
  /** Of the answer, where it is not that. */
  answers?: DialectName
}

/** The same conversation as each format has it. */
function saying([system, ...turns]: ReturnType<typeof conversation>, format: DialectName | undefined): object {
  if (format === 'openai-responses') return { max_output_tokens: 300, instructions: system?.content, input: turns, store: false }
  if (format === 'anthropic-messages') return { max_tokens: 300, system: system?.content, messages: turns }
  return { max_tokens: 300, messages: [system, ...turns] }
}

/** Whole HTTP requests, ready for the socket. */
export function requests(asked: Asked, body_bytes: number, stream: boolean): Buffer[] {
  return Array.from({ length: VARIANTS }, (_, variant) => {
    const body = (text_bytes: number) =>
      JSON.stringify({
        model: asked.model,
        ...(stream ? { stream: true } : {}),
        temperature: 0.7,
        ...saying(conversation(text_bytes, variant), asked.format),
      })
    let text_bytes = body_bytes
    // What the text is wrapped in depends a little on how many turns it makes.
    for (let fitted = 0; fitted < 3; fitted++) text_bytes -= Buffer.byteLength(body(text_bytes)) - body_bytes
    const written = Buffer.from(body(text_bytes))
    const headers = {
      host: 'bench',
      'content-type': 'application/json',
      authorization: 'Bearer bench',
      ...asked.headers,
      'content-length': written.length,
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    return Buffer.concat([Buffer.from(`POST ${asked.path ?? '/v1/chat/completions'} HTTP/1.1\r\n${lines.join('')}\r\n`), written])
  })
}
