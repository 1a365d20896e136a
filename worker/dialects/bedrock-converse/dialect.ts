/**
 * Amazon Bedrock's Converse and ConverseStream: one wire format for the models of many makers. Its streams are binary frames.
 */
import type { Dialect } from '../dialect.ts'
import { readError, writeError, writeInBand } from './error.ts'
import { dull, observe, observeWhole } from './observe.ts'
import { readReply, writeReply } from './reply.ts'
import { readRequest, writeRequest } from './request.ts'
import { reader } from './stream-read.ts'
import { writer } from './stream-write.ts'

export const bedrockConverse: Dialect = {
  name: 'bedrock-converse',
  request: { read: readRequest, write: writeRequest, in_address: ['model', 'stream'] },
  reply: { id_prefix: '', read: readReply, write: writeReply, reader, writer, observe, observeWhole, dull, framing: 'aws-event-stream' },
  error: { write: writeError, writeInBand, read: readError },
}
