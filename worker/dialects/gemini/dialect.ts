/**
 * Gemini's `generateContent`: the wire format of Google's own models, at AI Studio and at Vertex alike.
 */
import type { Dialect } from '../dialect.ts'
import { readError, writeError, writeInBand } from './error.ts'
import { dull, observe, observeWhole } from './observe.ts'
import { readReply, writeReply } from './reply.ts'
import { readRequest, writeRequest } from './request.ts'
import { reader } from './stream-read.ts'
import { writer } from './stream-write.ts'

export const gemini: Dialect = {
  name: 'gemini',
  request: { read: readRequest, write: writeRequest, in_address: ['model', 'stream'] },
  reply: { id_prefix: '', read: readReply, write: writeReply, reader, writer, observe, observeWhole, dull },
  error: { write: writeError, writeInBand, read: readError },
}
