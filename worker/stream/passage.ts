/**
 * An answer whose bytes pass through as they are, whatever they are: JSON, events or sound. Beside them, only its first and its
 * last bytes are looked at: is it an error, is it whole, what did it use. So an answer of 30 MB of vectors costs no more to carry
 * than one of 30 kB, and is never held.
 *
 * The commit point: of JSON, once it is whole or too long to hold, so that a short answer that breaks off is still answered by
 * another target; of sound and events, with the first bytes.
 */
import type { Observation } from '../dialects/dialect.ts'
import { nothingSeen } from '../dialects/dialect.ts'
import type { Json, JsonObject, TokenUsage } from '../schema/chat.ts'
import { joined } from './frames.ts'
import type { Relay, RelayState } from './relay.ts'

export type PassageForm = 'json' | 'events' | 'bytes'

/** Of JSON, so much is held before it is let go: twenty vectors, and every error. */
export const HELD_BYTES = 48 * 1_024
/** What was used is said in the last few hundred bytes, by everyone who says it. */
const TAIL_BYTES = 4 * 1_024

const UTF8 = new TextDecoder()

export type PassageOptions = {
  form: PassageForm
  readUsage(raw: JsonObject): TokenUsage | null
  /** One of them is in the last bytes of a stream of events that was not cut; without any, as with sound, closing in order is its end. */
  stream_end: readonly string[]
}

export function passage({ form, readUsage, stream_end }: PassageOptions): Relay {
  const seen = nothingSeen()
  let state: RelayState = 'open'
  let complete = false
  let finished = false
  let out: Uint8Array[] = []
  let out_bytes = 0
  /** The beginning, until it is judged. */
  let head: Uint8Array[] | null = []
  let head_bytes = 0
  let tail: Uint8Array = new Uint8Array(0)

  const judgeHead = (whole: boolean) => {
    if (head === null) return
    const bytes = joined(head)
    head = null
    const text = UTF8.decode(bytes)
    if (form === 'events') {
      const error = errorIn(eventData(text))
      if (error === null) seen.content = true
      else fail(error)
      return
    }
    const value = whole ? parsed(text) : undefined
    const error = errorIn(value)
    if (error !== null) fail(error)
    else if (whole ? value === undefined : !/^\s*[[{]/.test(text)) state = 'broken'
    else seen.content = true
  }

  const fail = (error: NonNullable<Observation['error']>) => {
    seen.error = error
    state = 'error'
  }

  return {
    seen,
    get state() {
      return state
    },
    get waiting_bytes() {
      return out_bytes
    },
    get complete() {
      return complete
    },
    losses: () => [],
    told: () => null,
    take() {
      const taken = out
      out = []
      out_bytes = 0
      return taken
    },
    push(chunk) {
      if (state !== 'open' || chunk.length === 0) return
      out.push(chunk)
      out_bytes += chunk.length
      if (form !== 'bytes') tail = chunk.length >= TAIL_BYTES ? chunk.slice(-TAIL_BYTES) : joined([tail, chunk]).slice(-TAIL_BYTES)
      if (head === null) return
      if (form === 'bytes') {
        head = null
        seen.content = true
        return
      }
      head.push(chunk)
      head_bytes += chunk.length
      if (form === 'events' ? holdsEvent(chunk) || head_bytes > HELD_BYTES : head_bytes > HELD_BYTES) judgeHead(false)
    },
    finish(broken = false) {
      if (finished || state !== 'open') return
      finished = true
      if (head !== null && head_bytes > 0) judgeHead(true)
      if (!seen.content) return
      const text = UTF8.decode(tail)
      const raw = form === 'bytes' ? null : usageIn(text)
      if (raw !== null) seen.usage = readUsage(raw)
      complete =
        form === 'json'
          ? /[}\]]\s*$/.test(text)
          : form === 'bytes' || stream_end.length === 0
            ? !broken
            : stream_end.some(end => text.includes(end))
    },
  }
}

/** An empty line ends an event. */
const holdsEvent = (chunk: Uint8Array) => UTF8.decode(chunk).includes('\n\n') || UTF8.decode(chunk).includes('\r\n\r\n')

function eventData(text: string): Json | undefined {
  const line = text.split(/\r?\n/).find(each => each.startsWith('data:'))
  return line === undefined ? undefined : parsed(line.slice('data:'.length))
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not JSON: whoever asked says what that means.
    return undefined
  }
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

function errorIn(value: Json | undefined): Observation['error'] {
  if (!isObject(value)) return null
  const { error } = value
  if (error === undefined || error === null || error === false) return null
  const told = isObject(error) ? error : {}
  const message = typeof error === 'string' ? error : typeof told.message === 'string' ? told.message : 'an error without a message'
  return { status: null, code: typeof told.code === 'string' ? told.code : null, message }
}

/** The object after the last `"usage":` of a text, whatever follows it. */
function usageIn(text: string): JsonObject | null {
  const at = text.lastIndexOf('"usage"')
  if (at < 0) return null
  const start = text.indexOf('{', at)
  if (start < 0 || !/^"usage"\s*:\s*$/.test(text.slice(at, start))) return null
  let depth = 0
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) {
      const value = parsed(text.slice(start, i + 1))
      return isObject(value) ? value : null
    }
  }
  return null
}
