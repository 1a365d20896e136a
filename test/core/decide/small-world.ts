/**
 * A small world to decide in: a handful of targets that differ in one thing each, and everything else at rest. Tests change
 * the one fact they are about.
 */
import { compileCatalogue } from '../../../worker/core/decide/catalogue.ts'
import { compilePolicy } from '../../../worker/core/decide/rules.ts'
import { requestOf } from '../../../worker/core/decide/sketch.ts'
import type { CompiledPolicy, LiveCatalogue, World } from '../../../worker/core/decide/world.ts'
import type { Caller } from '../../../worker/schema/caller.ts'
import { type Catalogue, catalogue as catalogueSchema } from '../../../worker/schema/catalogue.ts'
import type { ChatRequest } from '../../../worker/schema/chat.ts'
import type { Features } from '../../../worker/schema/features.ts'
import type { TargetHealth } from '../../../worker/schema/health.ts'

export const NOW_MS = Date.parse('2026-11-24T12:00:00Z')

type ProviderFacts = {
  id: string
  regions?: string[]
  retention_days?: number | null
  trains_on_data?: boolean | null
  certifications?: string[]
  dialect?: string
  readiness?: string
  transport?: string
  refuses?: string[]
}
type TargetFacts = {
  id: string
  quality?: number
  input_usd?: number | null
  output_usd?: number | null
  first_token_ms?: number
  tokens_per_second?: number
  params_b?: number | null
  capability?: Record<string, unknown>
  aliases?: string[]
  space?: string
}

const SOURCE = { name: 'made up for tests', as_of: '2026-11-24' }

export function catalogueOf(providers: ProviderFacts[], targets: TargetFacts[]): Catalogue {
  return catalogueSchema.parse({
    as_of: '2026-11-24',
    notice: 'made up for tests',
    providers: providers.map(
      ({
        id,
        dialect = 'openai-chat',
        readiness = 'always_warm',
        transport = 'network',
        regions = ['us'],
        retention_days = 30,
        trains_on_data = false,
        certifications = [],
        refuses = [],
      }) => ({
        id,
        name: id,
        dialect,
        base_url: `https://${id}.example/v1`,
        auth: { style: 'none' },
        transport,
        refuses,
        terms: { regions, retention_days, trains_on_data, certifications, source: SOURCE },
        readiness,
        how_to_enable: 'always on',
      }),
    ),
    targets: targets.map(
      ({
        id,
        quality = 0.6,
        input_usd = 1,
        output_usd = 4,
        first_token_ms = 500,
        tokens_per_second = 80,
        params_b = 50,
        capability,
        aliases = [],
        space,
      }) => ({
        id,
        provider: id.slice(0, id.indexOf('/')),
        model: id.slice(id.indexOf('/') + 1),
        aliases,
        family: 'test',
        ...(space && { embedding: { space, dimensions: 1024, shortens: true } }),
        capability: {
          input: ['text', 'image'],
          output: ['text'],
          tools: true,
          parallel_tools: true,
          structured_output: 'json_schema',
          streaming: true,
          reasoning: true,
          logprobs: true,
          choices: true,
          prefill: null,
          context_tokens: 128_000,
          output_tokens: 16_000,
          ...capability,
        },
        prices: [
          {
            from: '2026-01-01',
            input_micros_per_mtok: input_usd === null ? null : Math.round(input_usd * 1e6),
            output_micros_per_mtok: output_usd === null ? null : Math.round(output_usd * 1e6),
            cache_read_micros_per_mtok: null,
            cache_write_micros_per_mtok: null,
            source: SOURCE,
          },
        ],
        quality: [{ task: null, score: quality, uncertainty: 0.02, benchmark: 'made up', source: SOURCE }],
        latency_prior: { first_token_ms, tokens_per_second, source: SOURCE },
        energy: {
          active_params_b: params_b,
          total_params_b: params_b,
          measured_j_per_token: null,
          confidence: 'disclosed',
          source: SOURCE,
        },
      }),
    ),
  })
}

/** One strong and dear, one weak and cheap at another provider, one in between at the first. */
export const THREE = catalogueOf(
  [{ id: 'north' }, { id: 'south', regions: ['eu'] }],
  [
    { id: 'north/strong', quality: 0.85, input_usd: 5, output_usd: 25, params_b: 400, aliases: ['strong-latest'] },
    { id: 'north/middle', quality: 0.65, input_usd: 0.5, output_usd: 2, params_b: 70 },
    { id: 'south/weak', quality: 0.4, input_usd: 0.05, output_usd: 0.2, params_b: 8 },
  ],
)

/** Compiled once each, as an isolate does, so that a test may decide thousands of times. */
const lives = new WeakMap<Catalogue, LiveCatalogue>()
const policies = new Map<string, CompiledPolicy>()

export function live(catalogue: Catalogue): LiveCatalogue {
  const made = lives.get(catalogue) ?? compileCatalogue(catalogue, {}, NOW_MS, 'test')
  lives.set(catalogue, made)
  return made
}

/** A policy from its keys as YAML or as a value; weighs quality alone unless told otherwise. */
export function policyOf(more: Record<string, unknown> = {}): CompiledPolicy {
  const text = JSON.stringify({ name: 'default', objective: { quality: 1 }, ...more })
  const made = policies.get(text)
  if (made) return made
  const compiled = compilePolicy(text, '0123456789abcdef')
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  policies.set(text, compiled.value)
  return compiled.value
}

export const CALLER: Caller = {
  v: 1,
  key_id: 'testkey0001',
  secret_hmac: '0'.repeat(64),
  pepper: '1',
  last4: '0000',
  label: 'test',
  org: 'acme',
  team: null,
  tier: 'standard',
  tags: [],
  policy: 'default',
  scopes: { policies: null, targets: null, may_pin: true, regions: null },
  budgets: [],
  rates: [],
  expensive: [],
  created_at_ms: 0,
  expires_at_ms: null,
  revoked_at_ms: null,
}

export const callerWith = (scopes: Partial<Caller['scopes']>): Caller => ({ ...CALLER, scopes: { ...CALLER.scopes, ...scopes } })

export const chat = (more: Partial<ChatRequest> = {}): ChatRequest => ({ ...requestOf({ prompt: 'Hello' }), ...more })

/** A middling request: 200 tokens in, 400 out. */
export const FEATURES: Features = {
  task: 'conversation',
  task_confidence: 1,
  domain: 'general',
  domain_confidence: 1,
  difficulty: 0.5,
  language: 'en',
  language_confidence: 1,
  input_modalities: ['text'],
  prompt_tokens: 200,
  last_turn_tokens: 200,
  size: 's',
  expected_output_tokens: 400,
  max_output_tokens: null,
  turns: 1,
  has_system: false,
  tools: 0,
  tool_required: false,
  tool_results: false,
  output_form: 'text',
  code_share: 0,
  math_share: 0,
  streaming: false,
  choices: 1,
  logprobs: false,
  reasoning_requested: false,
  personal_data: [],
  injection: 0,
}

export const featuresWith = (more: Partial<Features>): Features => ({ ...FEATURES, ...more })

export const HEALTHY: TargetHealth = {
  state: 'closed',
  until_ms: null,
  limited_until_ms: null,
  auth_broken_until_ms: null,
  ramp_share: 1,
  error_rate: 0,
  ln_first_token_ms: { s: null, m: null, l: null, xl: null },
  ln_tokens_per_second: null,
  slow: false,
  last_ok_at_ms: NOW_MS - 1_000,
  samples: 20,
}

export type WorldFacts = Partial<Omit<World, 'catalogue' | 'policy' | 'health'>> & {
  catalogue?: Catalogue
  policy?: Record<string, unknown>
  health?: Record<string, Partial<TargetHealth>>
}

export function worldWith({ catalogue = THREE, policy, health = {}, ...more }: WorldFacts = {}): World {
  return {
    catalogue: live(catalogue),
    policy: policyOf(policy),
    policy_names: ['default', 'cheap'],
    health: {
      v: 1,
      taken_at_ms: Object.keys(health).length > 0 ? NOW_MS - 1_000 : 0,
      targets: Object.fromEntries(Object.entries(health).map(([id, facts]) => [id, { ...HEALTHY, ...facts }])),
    },
    codecs: new Set(['openai-chat']),
    losses: () => [],
    caller: CALLER,
    now_ms: NOW_MS,
    draw: 0.5,
    decision_id: 'dec_00000000-0000-0000-0000-000000000000',
    endpoint: '/v1/chat/completions',
    ...more,
  }
}
