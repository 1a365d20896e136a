/**
 * Providers and targets made of data alone, as an operator lays them over the catalogue (KV `catalogue/overlay`).
 */
import type { Capability, Provider } from '../../worker/schema/catalogue.ts'
import type { DialectName } from '../../worker/schema/chat.ts'

const SOURCE = { name: 'made up for tests', as_of: '2026-11-24' }

/** A provider at an address of the operator's: `{url_var}` and the path. */
export function localProvider(id: string, dialect: DialectName, url_var: string, more: Partial<Provider> = {}) {
  return {
    id,
    name: id,
    dialect,
    base_url_var: url_var,
    auth: { style: 'none' },
    terms: { regions: ['local'], retention_days: 0, trains_on_data: false, source: SOURCE },
    readiness: 'always_warm',
    how_to_enable: `Set ${url_var}.`,
    ...more,
  }
}

export function chatTarget(provider: string, model: string, more: Partial<Capability> = {}) {
  return {
    id: `${provider}/${model}`,
    provider,
    model,
    family: provider,
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
      prefill: true,
      context_tokens: 200_000,
      output_tokens: 8_192,
      ...more,
    },
    prices: [
      {
        from: '2026-01-01',
        input_micros_per_mtok: 1_000_000,
        output_micros_per_mtok: 2_000_000,
        cache_read_micros_per_mtok: null,
        cache_write_micros_per_mtok: null,
        source: SOURCE,
      },
    ],
    quality: [{ task: null, score: 0.5, uncertainty: 0.1, benchmark: 'made up', source: SOURCE }],
    latency_prior: { first_token_ms: 100, tokens_per_second: 1000, source: SOURCE },
    energy: { active_params_b: null, total_params_b: null, measured_j_per_token: null, confidence: 'guess', source: SOURCE },
  }
}
