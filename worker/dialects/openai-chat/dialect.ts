/**
 * OpenAI Chat Completions: the wire format that most providers, local servers and clients speak, or say they do.
 */
import { isObject } from '../check.ts'
import type { Dialect } from '../dialect.ts'
import { OPENAI_RATE_LIMITS } from '../rate-limits.ts'
import { readUpstreamError } from '../upstream-error.ts'
import { writeError, writeInBand } from './error.ts'
import { dull, observe, observeWhole } from './observe.ts'
import { readReply, writeReply } from './reply.ts'
import { readRequest, writeRequest } from './request.ts'
import { reader } from './stream-read.ts'
import { writer } from './stream-write.ts'

/** Skipped by every parser of server-sent events. */
export const COMMENT = new TextEncoder().encode(': keep-alive\n\n')

export const openaiChat: Dialect = {
  name: 'openai-chat',
  betas: ['openai-beta'],
  request: {
    read: readRequest,
    write: writeRequest,
    askUsage: ({ stream_options }) => ({ stream_options: { ...(isObject(stream_options) ? stream_options : {}), include_usage: true } }),
    // The name that the caller used, as a server may know one only; with both there, the newer one counts.
    boundOutput: ({ max_tokens, max_completion_tokens }, tokens) =>
      max_tokens != null && max_completion_tokens == null
        ? { max_tokens: tokens }
        : { max_completion_tokens: tokens, ...(max_tokens !== undefined && { max_tokens: undefined }) },
  },
  reply: {
    id_prefix: 'chatcmpl-',
    read: readReply,
    write: writeReply,
    reader,
    writer,
    observe,
    observeWhole,
    dull,
    keep_alive: COMMENT,
    terminator: { event: null, data: '[DONE]' },
  },
  rate_limits: OPENAI_RATE_LIMITS,
  error: { write: writeError, writeInBand, read: readUpstreamError },
}
