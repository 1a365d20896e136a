/**
 * What recorded answers cost, to the micro-dollar: the counts as the provider reported them, times its prices. The arithmetic stands in the
 * name of each test, in tokens times micro-dollars a token (dollars per million), worked out by hand from the recording and not by the
 * code under test. Recordings: `test/fixtures`, see its README.
 */
import { describe, expect, it } from 'vitest'
import catalogue from '../../../policies/catalogue.json' with { type: 'json' }
import { costOf, priceAt } from '../../../worker/core/spend/price.ts'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { dialectNamed } from '../../../worker/dialects/dialects.ts'
import { type Catalogue, type Price, price } from '../../../worker/schema/catalogue.ts'
import { UNKNOWN_USAGE } from '../../../worker/schema/chat.ts'
import { formatOfReply, framed, lines, namedEvents, STREAMS, whole } from '../../dialects/recordings.ts'

const AT = Date.parse('2026-11-24T12:00:00Z')

/** USD per million tokens of models that the catalogue does not list, from @pydantic/genai-prices 0.1.8 (2026-09-28). */
const OTHERS: Record<string, Partial<Record<'input' | 'output' | 'cache_read' | 'cache_write' | 'cache_write_1h', number>>> = {
  'anthropic:claude-sonnet-4-5': { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, cache_write_1h: 6 },
  'anthropic:claude-fable-5': { input: 10, output: 50, cache_read: 1, cache_write: 12.5, cache_write_1h: 20 },
  'anthropic:claude-3-opus-latest': { input: 15, output: 75, cache_read: 1.5, cache_write: 18.75, cache_write_1h: 30 },
  'deepseek:deepseek-reasoner': { input: 0.55, output: 2.19, cache_read: 0.14 },
  'deepseek:deepseek-chat': { input: 0.27, output: 1.1, cache_read: 0.07 },
  'groq:qwen/qwen3-32b': { input: 0.29, output: 0.59 },
  'groq:llama-3.3-70b-versatile': { input: 0.59, output: 0.79 },
  'mistral:magistral-medium': { input: 2, output: 5 },
  'x-ai:grok-3-mini': { input: 0.3, output: 0.5, cache_read: 0.075 },
  'google:gemini-3-pro-preview': { input: 2, output: 12, cache_read: 0.2 },
  'moonshotai:kimi-k3': { input: 3, output: 15, cache_read: 0.3 },
}

const VECTORS: [recording: string, priced_as: string, arithmetic: string, micros: number | null][] = [
  ['anthropic/anthropic-claude-opus-5-reasoning-high.1.json', 'anthropic/claude-opus-5', '51 x 5 + 1699 x 25', 42730],
  [
    'anthropic/anthropic-code-execution-20260120-prompt-cache.1.chunks.txt',
    'anthropic/claude-sonnet-5',
    '6 x 2 + 6289 x 0.2 + 3337 x 2.5 + 198 x 10 and minutes of a container: unknown',
    null,
  ],
  ['anthropic/anthropic-json-other-tool.1.json', 'anthropic/claude-haiku-4-5', '843 x 1 + 28 x 5', 983],
  ['anthropic/anthropic-json-other-tool.1.chunks.txt', 'anthropic/claude-haiku-4-5', '843 x 1 + 28 x 5', 983],
  ['google/google-stream-tool-call-arguments.chunks.txt', 'google/gemini-3.1-pro-preview', '26 x 2 + 155 x 12', 1912],
  ['google/google-vertex-stream-tool-call-arguments-nested.1.chunks.txt', 'vertex/gemini-3.1-pro-preview', '31 x 2 + 1710 x 12', 20582],
  ['openai/chat--openai-text.json', 'openai/gpt-4.1-nano', '16 x 0.1 + 363 x 0.4', 147],
  ['openai/chat--openai-text.chunks.txt', 'openai/gpt-4.1-nano', '16 x 0.1 + 300 x 0.4', 122],
  ['openai/chat--azure-model-router.1.chunks.txt', 'openai/gpt-5-nano', '15 x 0.05 + 78 x 0.4', 32],
  ['openai/responses--openai-client-tool-search.1.json', 'openai/gpt-5.4', '65 x 2.5 + 28 x 15', 583],
  ['openai/responses--openai-client-tool-search.1.chunks.txt', 'openai/gpt-5.4', '65 x 2.5 + 31 x 15', 628],
  ['openai/responses--openai-client-tool-search.2.json', 'openai/gpt-5.4', '461 x 2.5 + 26 x 15', 1543],
  ['openai/responses--openai-compaction.1.json', 'openai/gpt-5.2', '51097 x 1.75 + 2056 x 14', 118204],
  ['openai/responses--openai-compaction.1.chunks.txt', 'openai/gpt-5.2', '1305 x 1.75 + 49792 x 0.175 + 2505 x 14', 46067],
  ['openai/responses--openai-file-search-tool.1.json', 'openai/gpt-5-mini', '1140 x 0.25 + 2560 x 0.025 + 741 x 2 + 1 x 2500', 4331],
  ['openai/responses--openai-file-search-tool.1.chunks.txt', 'openai/gpt-5-mini', '1433 x 0.25 + 2304 x 0.025 + 621 x 2 + 1 x 2500', 4158],
  ['openai/responses--openai-file-search-tool.2.json', 'openai/gpt-5-mini', '1374 x 0.25 + 2304 x 0.025 + 536 x 2 + 1 x 2500', 3973],
  ['openai/responses--openai-mcp-tool.1.json', 'openai/gpt-5-mini', '6700 x 0.25 + 1078 x 2', 3831],
  ['openai/responses--openai-reasoning-encrypted-content.1.json', 'openai/gpt-5-mini', '865 x 0.25 + 163 x 2', 542],
  ['openai/responses--openai-shell-container-multiturn.1.json', 'openai/gpt-5.2', '800 x 1.75 + 19 x 14', 1666],
  ['openai/responses--openai-shell-local-multiturn.1.json', 'openai/gpt-5.2', '444 x 1.75 + 12 x 14', 945],
  ['openai/responses--openai-shell-skills.1.json', 'openai/gpt-5.2', 'tokens and minutes of a container: unknown', null],
  ['openai/responses--openai-shell-skills.1.chunks.txt', 'openai/gpt-5.2', 'tokens and minutes of a container: unknown', null],
  ['openai/responses--openai-web-search-tool.1.json', 'openai/gpt-5-mini', '15969 x 0.25 + 3712 x 0.025 + 3773 x 2 + 1 x 10000', 21631],
  [
    'openai/responses--openai-web-search-tool.1.chunks.txt',
    'openai/gpt-5-mini',
    '27361 x 0.25 + 3712 x 0.025 + 4416 x 2 + 2 x 10000',
    35765,
  ],
  ['xai/responses--xai-web-search-tool.1.json', 'xai/grok-4.5', '994 x 2 + 947 x 0.3 + 583 x 6 + 1 x 5000', 10770],
  ['xai/responses--xai-web-search-tool.1.chunks.txt', 'xai/grok-4.5', '297 x 2 + 1578 x 0.3 + 695 x 6 + 1 x 5000', 10237],
  ['xai/responses--xai-file-search-tool.1.json', 'xai/grok-4.5', '500 x 2 + 150 x 6 + 1 x 2500', 4400],
  ['openai/responses--openai-apply-patch-tool-delete.1.chunks.txt', 'openai/gpt-5.1', '24 x 1.25', 30],
  ['open-responses/responses--openai-pdf-input-file.1.json', 'openai/gpt-4.1-nano', '44 x 0.1 + 4 x 0.4', 6],
  ['azure/azure-web-search-preview-tool.1.json', 'azure/gpt-4.1-mini', 'unknown', null],
  [
    'amazon-bedrock/amazon-bedrock-json-other-tool.1.chunks.txt',
    'bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0',
    '843 x 1 + 28 x 5',
    983,
  ],
  [
    'amazon-bedrock/amazon-bedrock-json-other-tool.1.json',
    'bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0',
    '843 x 1 + 28 x 5',
    983,
  ],
  ['amazon-bedrock/amazon-bedrock-reasoning.json', 'bedrock/openai.gpt-oss-120b-1:0', '51 x 0.15 + 78 x 0.6', 54],
  ['amazon-bedrock/amazon-bedrock-reasoning.chunks.txt', 'bedrock/openai.gpt-oss-120b-1:0', '51 x 0.15 + 94 x 0.6', 64],
  ['anthropic/anthropic-text.json', 'anthropic:claude-sonnet-4-5', '12 x 3 + 29 x 15', 471],
  ['anthropic/anthropic-text.chunks.txt', 'anthropic:claude-sonnet-4-5', '12 x 3 + 30 x 15', 486],
  [
    'anthropic/anthropic-code-execution-20250825.1.json',
    'anthropic:claude-sonnet-4-5',
    '7881 x 3 + 608 x 15 and minutes of a container: unknown',
    null,
  ],
  [
    'anthropic/anthropic-advisor-20260301.1.json',
    'anthropic/claude-sonnet-4-6',
    '2414 x 3 + 3200 x 15 and 3602 of an advisor: unknown',
    null,
  ],
  [
    'anthropic/anthropic-advisor-20250301.1.chunks.txt',
    'anthropic/claude-sonnet-4-6',
    '4727 x 3 + 3391 x 15 and 6608 of an advisor: unknown',
    null,
  ],
  [
    'openai/responses--openai-code-interpreter-tool.1.json',
    'openai/gpt-5-nano',
    '2283 x 0.05 + 1928 x 0.4 and minutes of a container: unknown',
    null,
  ],
  ['anthropic/anthropic-mcp.1.json', 'anthropic:claude-sonnet-4-5', '1250 x 3 + 88 x 15', 5070],
  ['anthropic/anthropic-tool-search-regex.1.json', 'anthropic:claude-sonnet-4-5', '1676 x 3 + 184 x 15', 7788],
  ['anthropic/anthropic-refusal.json', 'anthropic:claude-fable-5', '18 x 10 + 5 x 50', 430],
  ['anthropic/anthropic-tool-no-args.json', 'anthropic:claude-3-opus-latest', '602 x 15 + 93 x 75', 16005],
  ['deepseek/chat--deepseek-json.json', 'deepseek:deepseek-reasoner', '175 x 0.55 + 320 x 0.14 + 144 x 2.19', 456],
  ['deepseek/chat--deepseek-text.json', 'deepseek:deepseek-chat', '13 x 0.27 + 300 x 1.1', 334],
  ['deepseek/chat--deepseek-tool-call.json', 'deepseek:deepseek-reasoner', '19 x 0.55 + 320 x 0.14 + 92 x 2.19', 257],
  ['deepseek/chat--deepseek-reasoning.chunks.txt', 'deepseek:deepseek-reasoner', '18 x 0.55 + 219 x 2.19', 490],
  ['groq/groq-reasoning.chunks.txt', 'groq:qwen/qwen3-32b', '17 x 0.29 + 1107 x 0.59', 658],
  ['groq/groq-tool-call.chunks.txt', 'groq:llama-3.3-70b-versatile', '210 x 0.59 + 15 x 0.79', 136],
  ['groq/groq-reasoning.json', 'groq:qwen/qwen3-32b', '17 x 0.29 + 649 x 0.59', 388],
  ['mistral/mistral-reasoning.json', 'mistral:magistral-medium', '10 x 2 + 46 x 5', 250],
  ['openai-compatible/chat--xai-tool-call.json', 'x-ai:grok-3-mini', '63 x 0.3 + 244 x 0.075 + 281 x 0.5', 178],
  ['xai/xai-text.json', 'x-ai:grok-3-mini', '10 x 0.3 + 2 x 0.075 + 229 x 0.5', 118],
  ['xai/xai-text.chunks.txt', 'x-ai:grok-3-mini', '1 x 0.3 + 11 x 0.075 + 291 x 0.5', 147],
  ['google/google-text.json', 'google:gemini-3-pro-preview', '9 x 2 + 272 x 12', 3282],
  ['google/google-text.chunks.txt', 'google:gemini-3-pro-preview', '9 x 2 + 208 x 12', 2514],
  ['moonshotai/moonshotai-text.json', 'moonshotai:kimi-k3', '9 x 3 + 5 x 15', 102],
]

function priceOf(name: string): Price {
  const listed = (catalogue as unknown as Catalogue).targets.find(({ id }) => id === name)
  if (listed)
    return priceAt(
      listed.prices.map(each => price.parse(each)),
      AT,
    ).price as Price
  const rates = OTHERS[name]
  if (!rates) throw new Error(`no price for ${name}`)
  const micros = (usd: number | undefined) => (usd === undefined ? null : Math.round(usd * 1e6))
  return price.parse({
    from: '2025-01-01',
    input_micros_per_mtok: micros(rates.input),
    output_micros_per_mtok: micros(rates.output),
    cache_read_micros_per_mtok: micros(rates.cache_read),
    cache_write_micros_per_mtok: micros(rates.cache_write),
    cache_write_1h_micros_per_mtok: micros(rates.cache_write_1h),
    source: 'genai-prices',
  })
}

/** What the answer says it used, read by whoever's format it is in. */
function usageIn(recording: string) {
  const seen = nothingSeen()
  if (recording.endsWith('.json')) {
    const body = whole(recording)
    dialectNamed(formatOfReply(body) ?? 'openai-chat')?.reply.observeWhole(seen, body)
  } else {
    const format = STREAMS.find(({ path }) => path === recording)?.from
    const dialect = dialectNamed(format ?? 'openai-chat')
    const events =
      format === 'bedrock-converse'
        ? framed(recording)
        : format === 'openai-chat' || format === 'gemini'
          ? lines(recording)
          : namedEvents(recording)
    for (const event of events) dialect?.reply.observe(seen, event)
  }
  if (!seen.usage) throw new Error(`${recording} tells no usage`)
  return seen.usage
}

/** `12 x 3 + 29 x 15`, in micro-dollars; rounded half up, once. */
const workedOut = (arithmetic: string): number =>
  Math.floor(
    arithmetic
      .split(' + ')
      .map(term => term.split(' x ').map(Number) as [number, number])
      .reduce((sum, [count, rate]) => sum + count * Math.round(rate * 1e6), 0) /
      1e6 +
      0.5,
  )

describe('a recorded answer', () => {
  it('is one of at least forty, of ten providers', () => {
    expect(VECTORS.length).toBeGreaterThanOrEqual(40)
    expect(new Set(VECTORS.map(([recording]) => recording.split('/')[0])).size).toBeGreaterThanOrEqual(10)
  })
  it.each(VECTORS)('%s as %s costs %s = %s', (recording, priced_as, arithmetic, micros) => {
    const cost = costOf(usageIn(recording), priceOf(priced_as))
    expect(cost).toBe(micros)
    if (micros !== null) expect(workedOut(arithmetic)).toBe(micros)
  })
})

/** As they are documented; no recording has them. */
const GROUNDED = (queries: string[]) => ({
  candidates: [
    {
      content: { role: 'model', parts: [{ text: 'Spain.' }] },
      finishReason: 'STOP',
      groundingMetadata: { webSearchQueries: queries },
    },
  ],
  usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 },
})
const SEARCHED = {
  type: 'message',
  role: 'assistant',
  content: [{ type: 'text', text: 'Spain.' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 100, output_tokens: 10, server_tool_use: { web_search_requests: 2 } },
}
const PRICED_SEARCHES: [
  what: string,
  format: 'gemini' | 'anthropic-messages',
  body: object,
  as: string,
  sum: string,
  micros: number | null,
][] = [
  [
    'two queries are two charges',
    'gemini',
    GROUNDED(['who won', 'who lost']),
    'google/gemini-3.5-flash',
    '100 x 1.5 + 10 x 9 + 2 x 14000',
    28_240,
  ],
  ['no query is none', 'gemini', GROUNDED([]), 'google/gemini-3.5-flash', '100 x 1.5 + 10 x 9', 240],
  [
    'two queries for one answer are one',
    'gemini',
    GROUNDED(['who won', 'who lost']),
    'google/gemini-2.5-flash',
    '100 x 0.3 + 10 x 2.5 + 1 x 35000',
    35_055,
  ],
  ['nobody has published the price', 'gemini', GROUNDED(['who won']), 'google/gemini-4-argon', 'unknown', null],
  ['on Vertex nobody has found it', 'gemini', GROUNDED(['who won']), 'vertex/gemini-2.5-flash', 'unknown', null],
  ['two searches', 'anthropic-messages', SEARCHED, 'anthropic/claude-sonnet-5-5', '100 x 2 + 10 x 10 + 2 x 10000', 20_300],
  ['two searches', 'anthropic-messages', SEARCHED, 'anthropic/claude-haiku-5-5', '100 x 0.1 + 10 x 0.5 + 2 x 10000', 20_015],
  ['two searches', 'anthropic-messages', SEARCHED, 'anthropic/claude-fable-5-2', '100 x 8 + 10 x 40 + 2 x 10000', 21_200],
]

describe('searches that the provider makes', () => {
  it.each(PRICED_SEARCHES)('%s (%s) %# as %s: %s = %s', (_, format, body, as, sum, micros) => {
    const seen = nothingSeen()
    dialectNamed(format)?.reply.observeWhole(seen, body as never)
    expect(costOf(seen.usage ?? UNKNOWN_USAGE, priceOf(as))).toBe(micros)
    if (micros !== null) expect(workedOut(sum)).toBe(micros)
  })
})

describe('where the provider says itself what it charges', () => {
  it.each([
    ['xai/xai-text.json', 118],
    ['xai/xai-text.chunks.txt', 147],
  ])('%s: the arithmetic over its counts comes to the same %s micro-dollars', (recording, micros) => {
    const { told_cost_micros, ...counts } = usageIn(recording)
    expect([told_cost_micros, costOf(counts, priceOf('x-ai:grok-3-mini'))]).toEqual([micros, micros])
  })
})
