/**
 * Frames of Amazon's event stream, as its servers send them, for recordings that are kept as lines of JSON.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { SseEvent } from '../../../worker/dialects/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

const codec = new EventStreamCodec(
  input => (typeof input === 'string' ? input : new TextDecoder().decode(input as Uint8Array)),
  input => new TextEncoder().encode(input),
)
const header = (value: string) => ({ type: 'string' as const, value })

export const frame = ({ event, data }: SseEvent): Uint8Array => {
  const is_exception = event?.endsWith('Exception') === true
  return codec.encode({
    headers: {
      [is_exception ? ':exception-type' : ':event-type']: header(event ?? ''),
      ':content-type': header('application/json'),
      ':message-type': header(is_exception ? 'exception' : 'event'),
    },
    body: new TextEncoder().encode(data),
  })
}
export const errorFrame = (code: string, message: string): Uint8Array =>
  codec.encode({
    headers: { ':message-type': header('error'), ':error-code': header(code), ':error-message': header(message) },
    body: new Uint8Array(0),
  })

/** The events of a recording: each line is an object with one member, named after the event. */
export const recorded = (name: string): SseEvent[] =>
  readFileSync(join(import.meta.dirname, '../../fixtures/amazon-bedrock', `${name}.chunks.txt`), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [[event, value]] = Object.entries(JSON.parse(line) as JsonObject) as [[string, JsonObject]]
      return { event, data: JSON.stringify(value) }
    })

export const together = (pieces: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces))
