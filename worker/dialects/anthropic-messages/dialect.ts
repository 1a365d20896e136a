/**
 * Anthropic Messages: the wire format of Anthropic, of the clouds that serve its models, and of providers that want its clients.
 */
import type { Dialect } from '../dialect.ts'
import { ANTHROPIC_RATE_LIMITS } from '../rate-limits.ts'
import { readUpstreamError } from '../upstream-error.ts'
import { writeError, writeInBand } from './error.ts'
import { dull, observe, observeWhole } from './observe.ts'
import { readReply, writeReply } from './reply.ts'
import { readRequest, writeRequest } from './request.ts'
import { reader } from './stream-read.ts'
import { writer } from './stream-write.ts'
import { boundOutput } from './thinking.ts'

/** This format's own event for it, which its clients expect anywhere. */
const PING = new TextEncoder().encode('event: ping\ndata: {"type": "ping"}\n\n')

export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  // A stream of this format tells what it used without being asked.
  betas: ['anthropic-beta'],
  request: { read: readRequest, write: writeRequest, boundOutput },
  reply: {
    id_prefix: 'msg_',
    read: readReply,
    write: writeReply,
    reader,
    writer,
    observe,
    observeWhole,
    dull,
    keep_alive: PING,
    terminator: { event: 'message_stop', data: '{"type":"message_stop"}' },
  },
  rate_limits: ANTHROPIC_RATE_LIMITS,
  error: { write: writeError, writeInBand, read: readUpstreamError },
}
