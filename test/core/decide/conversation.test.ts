import { describe, expect, it } from 'vitest'
import { type Conversation, conversationKey } from '../../../worker/core/decide/conversation.ts'
import { decide } from '../../../worker/core/decide/decide.ts'
import { explain } from '../../../worker/core/decide/explain.ts'
import type { ChatRequest, Message } from '../../../worker/schema/chat.ts'
import type { DecisionRecord } from '../../../worker/schema/decision.ts'
import type { Features } from '../../../worker/schema/features.ts'
import { catalogueOf, chat, featuresWith, NOW_MS, type WorldFacts, worldWith } from './small-world.ts'

const said = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] })
const SECOND_TURN: Message[] = [said('user', 'Hello'), said('assistant', 'Good day'), said('user', 'And now?')]

/** Two of almost equal worth: without a conversation the first is chosen, by a hair. */
const NEAR = catalogueOf(
  [{ id: 'north' }, { id: 'south' }],
  [
    { id: 'north/one', quality: 0.66, input_usd: 1, output_usd: 1 },
    { id: 'south/two', quality: 0.65, input_usd: 1, output_usd: 1 },
  ],
)
const LAST: Conversation = { target: 'south/two', at_ms: NOW_MS - 30_000, prompt_tokens: 200, policy_version: '0123456789abcdef' }

function decided(world: WorldFacts, messages = SECOND_TURN, features: Partial<Features> = {}): DecisionRecord {
  const result = decide(chat({ messages }), featuresWith(features), worldWith({ catalogue: NEAR, ...world }))
  if (!result.ok) throw new Error(result.error.code)
  return result.value
}

describe('a conversation under way', () => {
  it('stays with the target that answered last, where another is better by a hair only', () => {
    expect(decided({}).chosen).toBe('north/one')
    const record = decided({ conversation: LAST })
    expect(record).toMatchObject({ chosen: 'south/two', chosen_by: 'best', stay: { target: 'south/two', age_ms: 30_000, margin: 0.02 } })
    expect(record.scores[0]).toMatchObject({ target: 'south/two', penalty: -0.02 })
    expect(explain(record).join(' ')).toContain('south/two answered last in this conversation, 30 s ago')
  })

  it('moves where another is better by more than the margin', () => {
    const record = decided({ conversation: LAST, policy: { stay: { margin: 0.001 } } })
    expect(record.chosen).toBe('north/one')
    expect(explain(record).join(' ')).toContain('it moves to north/one, which is better by more than 0.001')
  })

  it.each<[string, WorldFacts, Message[]?]>([
    ['the policy was changed since', { conversation: { ...LAST, policy_version: 'fedcba9876543210' } }],
    ['it was too long ago', { conversation: { ...LAST, at_ms: NOW_MS - 300_000 } }],
    ['the policy switches it off', { conversation: LAST, policy: { stay: { for_ms: 0 } } }],
    ['its target is left alone', { conversation: LAST, health: { 'south/two': { state: 'open', until_ms: NOW_MS + 9_000 } } }],
    ['its target is not there any more', { conversation: { ...LAST, target: 'south/gone' } }],
    ['nothing has been answered in it', { conversation: LAST }, [said('user', 'Hello')]],
  ])('is nothing to stay in where %s', (_, world, messages) => {
    const record = decided(world, messages)
    expect(record.chosen).toBe('north/one')
    expect(record.stay).toBeUndefined()
  })

  it('counts what the cache of the prompt spares, where the catalogue knows the price of a cached token', () => {
    const cached = structuredClone(NEAR)
    for (const { prices } of cached.targets) for (const price of prices) price.cache_read_micros_per_mtok = 100_000
    const long = { conversation: { ...LAST, prompt_tokens: 20_000 }, catalogue: cached, policy: { objective: { cost: 1 } } }
    const features = { prompt_tokens: 21_000, expected_output_tokens: 100 }
    const { scores, stay } = decided(long, SECOND_TURN, features)
    // 21,000 + 100 tokens at 1 $/M; 20,000 of them at a tenth where they were read before.
    expect(stay?.cached_tokens).toBe(20_000)
    expect(scores.map(each => [each.target, each.cost_micros])).toEqual([
      ['south/two', 3_100],
      ['north/one', 21_100],
    ])
    const short = decided({ ...long, conversation: { ...LAST, prompt_tokens: 1_000 } }, SECOND_TURN, features)
    expect(short.stay?.cached_tokens).toBe(0)
  })
})

describe('the key of a conversation', () => {
  const key = (messages: Message[], more: Partial<ChatRequest> = {}, named: string | null = null, of = 'key1') =>
    conversationKey(of, chat({ messages, ...more }), named)

  it('stays the same as the conversation grows', () => {
    expect(key(SECOND_TURN)).toBe(key(SECOND_TURN.slice(0, 1)))
  })
  it('tells system prompts, first turns and keys apart', () => {
    const keys = [
      key(SECOND_TURN),
      key([said('user', 'Hello!')]),
      key([said('system', 'Hello'), said('user', '')]),
      key([said('system', 'Be brief'), ...SECOND_TURN]),
      key(SECOND_TURN, {}, null, 'key2'),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })
  it('is what the caller names, however the conversation begins', () => {
    const named = key(SECOND_TURN, {}, 'support-17')
    expect(key([said('user', 'else')], {}, 'support-17')).toBe(named)
    expect(key(SECOND_TURN, { extra: { prompt_cache_key: 'support-17' } })).toBe(named)
    expect(key(SECOND_TURN, {}, 'support-17', 'key2')).not.toBe(named)
  })
  it('is a number of at most 53 bits', () => {
    for (let i = 0; i < 200; i++) expect(Number.isSafeInteger(key([said('user', `${i}`)]))).toBe(true)
  })
})
