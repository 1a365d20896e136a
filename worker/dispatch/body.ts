/**
 * A whole body from a target, within a bound and under the guard. Decoded bytes are counted, so that a compressed bomb is
 * cut where it grows. Most answers say how long they are and are not compressed; those are taken in one piece.
 */
import { joined } from '../stream/frames.ts'
import type { Guard, Interruption } from '../stream/guard.ts'

/** An answer of 100,000 tokens is some 400 kB; with an image inline it is a few MB. */
export const WHOLE_AT_MOST = 8 * 1024 * 1024
/** Error bodies are sentences; what is longer is a page. */
export const ERROR_AT_MOST = 64 * 1024

export type Body =
  | { got: 'bytes'; bytes: Uint8Array }
  | { got: 'too_much' }
  | { got: 'cut' }
  | { got: 'interrupted'; interruption: Interruption }

export async function readBody(response: Response, guard: Guard, at_most: number): Promise<Body> {
  const length = response.headers.get('content-length')
  try {
    if (length !== null && Number(length) <= at_most && response.headers.get('content-encoding') === null) {
      const waited = await guard.wait(response.arrayBuffer())
      return waited.done ? { got: 'bytes', bytes: new Uint8Array(waited.value) } : { got: 'interrupted', interruption: waited.interruption }
    }
    if (response.body === null) return { got: 'bytes', bytes: new Uint8Array(0) }
    return await counted(response.body.getReader(), guard, at_most)
  } catch {
    // The only ways to fail here are a broken connection and a body that does not decode: nothing after it can be had.
    return { got: 'cut' }
  }
}

async function counted(reader: ReadableStreamDefaultReader<Uint8Array>, guard: Guard, at_most: number): Promise<Body> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const waited = await guard.wait(reader.read())
    if (!waited.done) return { got: 'interrupted', interruption: waited.interruption }
    const { done, value } = waited.value
    if (done) return { got: 'bytes', bytes: pieces.length === 0 ? new Uint8Array(0) : joined(pieces) }
    bytes += value.length
    if (bytes > at_most) {
      letGo(reader.cancel())
      return { got: 'too_much' }
    }
    pieces.push(value)
  }
}

/** An unread body holds one of the six connections a request may have. */
export function discard(response: Response): void {
  if (response.body !== null) letGo(response.body.cancel())
}

/** Cancelling what is already broken rejects; broken is what we wanted. */
export function letGo(promise: Promise<unknown>): void {
  promise.catch(() => {
    // See above.
  })
}
