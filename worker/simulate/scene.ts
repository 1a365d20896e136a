/**
 * The fixed part of a simulated world: which targets there are, what each is like in good weather, and which policy chooses
 * among them. Either a real policy over the real catalogue, or the small scene of the report: a primary and a
 * fallback at two providers, alike but for quality.
 */
import { compileCatalogue } from '../core/decide/catalogue.ts'
import { decide } from '../core/decide/decide.ts'
import { compilePolicy } from '../core/decide/rules.ts'
import { callerOf, requestOf } from '../core/decide/sketch.ts'
import { only } from '../core/decide/trial.ts'
import type { CompiledPolicy, LiveCatalogue, World } from '../core/decide/world.ts'
import { understand } from '../core/understand/understand.ts'
import type { Caller } from '../schema/caller.ts'
import { catalogue as catalogueSchema } from '../schema/catalogue.ts'
import type { ChatRequest } from '../schema/chat.ts'
import type { Features } from '../schema/features.ts'
import { NO_HEALTH } from '../schema/health.ts'

export type Scene = {
  catalogue: LiveCatalogue
  policy: CompiledPolicy
  request: ChatRequest
  features: Features
  /** By order in a healthy world: who answers first, who next. Weather is aimed by it. */
  order: string[]
}

/** Wire formats that the simulated upstream speaks. */
export const CODECS: World['codecs'] = new Set(['openai-chat'])
/** When the simulated world begins. */
export const START_MS = Date.parse('2026-11-24T12:00:00Z')

const PROMPT = 'Write a SQL query that finds duplicate emails in a table of users.'

export function sceneOf(policy: CompiledPolicy, catalogue: LiveCatalogue, prompt = PROMPT): Scene {
  const live = only(catalogue, ({ provider }) => provider.transport === 'network' && provider.dialect === 'openai-chat')
  const request = requestOf({ prompt, stream: true })
  const features = understand(request)
  const world: World = {
    catalogue: live,
    policy,
    policy_names: [],
    health: NO_HEALTH,
    codecs: CODECS,
    losses: () => [],
    caller: callerFor('org-0', policy),
    now_ms: START_MS,
    draw: 0.5,
    decision_id: 'dec_simulated',
    endpoint: '/v1/chat/completions',
  }
  const decided = decide(request, features, world)
  if (!decided.ok) throw new Error(`Nobody of this catalogue answers under the policy ${policy.policy.name}: ${decided.error.message}`)
  return { catalogue: live, policy, request, features, order: decided.value.plan.steps.map(step => step.target) }
}

export const callerFor = (org: string, { policy }: CompiledPolicy): Caller => ({
  ...callerOf({ prompt: '', caller: { org } }),
  policy: policy.name,
})

/** A primary and one fallback. `more`: of the policy, as YAML; it is the one that governs, so it may have `health`. */
export function smallScene(more = ''): Scene {
  const source = { name: 'simulated', as_of: '2026-11-24' }
  const ids = ['one/primary', 'two/fallback']
  const catalogue = catalogueSchema.parse({
    as_of: '2026-11-24',
    notice: 'simulated',
    providers: ids.map(id => ({
      id: id.split('/')[0],
      name: id,
      dialect: 'openai-chat',
      base_url: `https://${id.split('/')[0]}.example/v1`,
      auth: { style: 'none' },
      terms: { regions: ['us'], retention_days: 30, trains_on_data: false, certifications: [], source },
      readiness: 'always_warm',
      how_to_enable: 'always on',
    })),
    targets: ids.map((id, i) => ({
      id,
      provider: id.split('/')[0],
      model: id.split('/')[1],
      aliases: [],
      family: 'simulated',
      capability: {
        input: ['text'],
        output: ['text'],
        tools: true,
        parallel_tools: true,
        structured_output: 'json_schema',
        streaming: true,
        reasoning: false,
        logprobs: true,
        choices: true,
        prefill: null,
        context_tokens: 128_000,
        output_tokens: 16_000,
      },
      prices: [
        {
          from: '2026-01-01',
          input_micros_per_mtok: 1_000_000,
          output_micros_per_mtok: 4_000_000,
          cache_read_micros_per_mtok: null,
          cache_write_micros_per_mtok: null,
          source,
        },
      ],
      quality: [{ task: null, score: i === 0 ? 0.8 : 0.6, uncertainty: 0.02, benchmark: 'simulated', source }],
      latency_prior: { first_token_ms: 600, tokens_per_second: 80, source },
      energy: { active_params_b: 50, total_params_b: 50, measured_j_per_token: null, confidence: 'disclosed', source },
    })),
  })
  const policy = compilePolicy(`name: default\nobjective: { quality: 1 }\n${more}\n`, 'simulated')
  if (!policy.ok) throw new Error(policy.error.map(each => each.message).join('\n'))
  return sceneOf(policy.value, compileCatalogue(catalogue, {}, START_MS, 'simulated'))
}
