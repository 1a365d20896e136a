/**
 * Cohere's own chat (POST /v2/chat). Its surface for OpenAI's clients leaves out plans, thoughts as blocks, citations and documents.
 */
import type { Dialect } from '../dialect.ts'
import { readError, writeError, writeInBand } from './error.ts'
import { dull, observe, observeWhole } from './observe.ts'
import { readReply, writeReply } from './reply.ts'
import { readRequest, writeRequest } from './request.ts'
import { reader } from './stream-read.ts'
import { writer } from './stream-write.ts'

export const cohereChat: Dialect = {
  name: 'cohere-chat',
  request: { read: readRequest, write: writeRequest },
  reply: { id_prefix: '', read: readReply, write: writeReply, reader, writer, observe, observeWhole, dull },
  error: { write: writeError, writeInBand, read: readError },
}
