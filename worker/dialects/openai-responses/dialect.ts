/**
 * OpenAI Responses: the newer wire format of OpenAI and Azure, and of servers that follow the Open Responses specification.
 */
import type { Dialect } from '../dialect.ts'
import { COMMENT } from '../openai-chat/dialect.ts'
import { writeError } from '../openai-chat/error.ts'
import { OPENAI_RATE_LIMITS } from '../rate-limits.ts'
import { readUpstreamError } from '../upstream-error.ts'
import { writeInBand } from './error.ts'
import { dull, observe, observeWhole } from './observe.ts'
import { readReply, writeReply } from './reply.ts'
import { readRequest, writeRequest } from './request.ts'
import { reader } from './stream-read.ts'
import { writer } from './stream-write.ts'

export const openaiResponses: Dialect = {
  name: 'openai-responses',
  // A stream of this format tells what it used without being asked.
  betas: ['openai-beta'],
  request: { read: readRequest, write: writeRequest, boundOutput: (_, tokens) => ({ max_output_tokens: tokens }) },
  reply: { id_prefix: 'resp_', read: readReply, write: writeReply, reader, writer, observe, observeWhole, dull, keep_alive: COMMENT },
  rate_limits: OPENAI_RATE_LIMITS,
  error: { write: writeError, writeInBand, read: readUpstreamError },
}
