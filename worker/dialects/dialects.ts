/**
 * The wire formats this router reads and writes. A new one is a folder beside these and a row here; `README.md` says how.
 */
import type { DialectName } from '../schema/chat.ts'
import { anthropicMessages } from './anthropic-messages/dialect.ts'
import { bedrockConverse } from './bedrock-converse/dialect.ts'
import { cohereChat } from './cohere-chat/dialect.ts'
import type { Dialect } from './dialect.ts'
import { gemini } from './gemini/dialect.ts'
import { openaiChat } from './openai-chat/dialect.ts'
import { openaiResponses } from './openai-responses/dialect.ts'

export const DIALECT_CODECS: Partial<Record<DialectName, Dialect>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
  'bedrock-converse': bedrockConverse,
  'cohere-chat': cohereChat,
}

export const dialectNamed = (name: DialectName): Dialect | undefined => DIALECT_CODECS[name]

/** For `World.codecs`: what a target may speak. */
export const DIALECTS_WRITTEN: ReadonlySet<DialectName> = new Set(Object.keys(DIALECT_CODECS) as DialectName[])
