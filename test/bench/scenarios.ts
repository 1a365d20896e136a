/**
 * What is asked of every contender, and how hard.
 */
import type { DialectName } from '../../worker/schema/chat.ts'
import type { Model } from './answers.ts'
import { WORDS } from './flows.ts'

export type Scenario = {
  name: string
  about: string
  model: Model
  body_bytes: number
  stream: boolean
  connections: number
  /** Measured for Signalbox with single parts off as well, so that a regression names its part. */
  parts?: true
  /** The first target always answers 503; the second one answers. */
  failover?: true
  /** A process of its own for each cell: from spawn to the first answer, then load, then its memory. */
  fresh?: true
  /** What the target speaks and what the caller does; between two formats each event is read and written anew. */
  flow?: { from: Flowing; to: Caller }
}
type Flowing = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini' | 'bedrock-converse' | 'cohere-chat'
export type Caller = Extract<DialectName, 'openai-chat' | 'openai-responses' | 'anthropic-messages'>

const json = (name: string, body_bytes: number, connections: number): Scenario => ({
  name,
  about: `JSON, ${body_bytes / 1_000} kB request, about 600 B answer, ${connections} connection${connections === 1 ? '' : 's'}`,
  model: 'bench',
  body_bytes,
  stream: false,
  connections,
})
const stream = (name: string, about: string, model: Model, connections: number): Scenario => ({
  name,
  about: `stream of 200 events, ${about}, ${connections} connection${connections === 1 ? '' : 's'}`,
  model,
  body_bytes: 2_000,
  stream: true,
  connections,
})

/** A burst in the format of the target, for a caller of the same format or of another. The floor passes the same bytes. */
const flow = (from: Flowing, to: Caller): Scenario => ({
  name: from === to ? `pass-${from}` : `${from}-to-${to}`,
  about: `${from === to ? `${from} passed through` : `${from} for a caller of ${to}`}: ${WORDS} pieces of text all at once, 16 connections`,
  model: `bench-${from}`,
  body_bytes: 2_000,
  stream: true,
  connections: 16,
  flow: { from, to },
})
const CALLERS: Caller[] = ['openai-chat', 'openai-responses', 'anthropic-messages']
const TARGETS: Flowing[] = [...CALLERS, 'gemini', 'bedrock-converse', 'cohere-chat']

export const SCENARIOS: Scenario[] = [
  json('json-2k-1', 2_000, 1),
  { ...json('json-2k-16', 2_000, 16), parts: true },
  json('json-2k-64', 2_000, 64),
  json('json-50k-1', 50_000, 1),
  json('json-50k-16', 50_000, 16),
  json('json-50k-64', 50_000, 64),
  { ...json('slow-16', 2_000, 16), model: 'bench-slow', about: 'JSON, 2 kB, upstream takes 50 ms, 16 connections' },
  { ...stream('burst-16', 'all at once', 'bench', 16), parts: true },
  stream('paced-1', 'one each 5 ms', 'bench-paced', 1),
  { ...stream('paced-16', 'one each 5 ms', 'bench-paced', 16), parts: true },
  { ...json('failover-16', 2_000, 16), failover: true, parts: true, about: 'JSON, 2 kB, first target answers 503, 16 connections' },
  ...TARGETS.flatMap(from => CALLERS.map(to => flow(from, to))),
  { ...json('fresh', 2_000, 16), fresh: true, about: 'cold start from spawn to first answer; memory after load' },
]
