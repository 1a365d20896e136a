/**
 * What an understanding and a decision are measured on: requests of any size, and a world in which everything is on and measured, the dearest
 * that a decision meets. It reads no files, so the same is measured in Node and in the runtime.
 */
import { compileCatalogue } from '../../worker/core/decide/catalogue.ts'
import { compilePolicy } from '../../worker/core/decide/rules.ts'
import { callerOf } from '../../worker/core/decide/sketch.ts'
import type { World } from '../../worker/core/decide/world.ts'
import { parseJsonText } from '../../worker/core/json-text.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import type { Catalogue } from '../../worker/schema/catalogue.ts'
import type { ChatRequest } from '../../worker/schema/chat.ts'
import type { HealthSnapshot } from '../../worker/schema/health.ts'
import { conversation, VARIANTS } from './requests.ts'
import { everythingOn } from './secrets.ts'

export function bodies(bytes: number): Uint8Array[] {
  return Array.from({ length: VARIANTS }, (_, variant) =>
    new TextEncoder().encode(JSON.stringify({ model: 'auto', max_tokens: 300, messages: conversation(bytes, variant) })),
  )
}

export function requestFrom(body: Uint8Array): ChatRequest {
  const json = parseJsonText(body)
  const request = json.ok ? openaiChat.request.read(json.value.value) : json
  if (!request.ok) throw new Error('the benchmark made a request that the router refuses')
  return request.value
}

/** The catalogue with exactly `count` targets switched on: the first ones, or copies of them under other names. */
function catalogueOf(whole: Catalogue, count: number): Catalogue {
  const network = new Set(whole.providers.filter(provider => provider.transport === 'network').map(provider => provider.id))
  const real = whole.targets.filter(target => network.has(target.provider))
  const targets = Array.from({ length: count }, (_, index) => {
    const target = real[index % real.length] as Catalogue['targets'][number]
    const copy = Math.floor(index / real.length)
    return copy === 0 ? target : { ...target, id: `${target.id}-${copy}`, model: `${target.model}-${copy}`, aliases: [] }
  })
  return { ...whole, targets }
}

/** `policy_text`: the policy as it is written. */
export function worldFrom(whole: Catalogue, policy_text: string, count: number): World {
  const catalogue = compileCatalogue(catalogueOf(whole, count), everythingOn(whole), Date.now(), '0'.repeat(16))
  const policy = compilePolicy(policy_text, '0'.repeat(16))
  if (!policy.ok) throw new Error(`the default policy does not compile: ${JSON.stringify(policy.error)}`)
  const health: HealthSnapshot = { v: 1, taken_at_ms: Date.now(), targets: {} }
  catalogue.targets.forEach(({ id, first_token_ms, tokens_per_second }, index) => {
    const ln = Math.log(first_token_ms * (1 + (index % 7) / 10))
    health.targets[id] = {
      state: 'closed',
      until_ms: null,
      limited_until_ms: null,
      auth_broken_until_ms: null,
      ramp_share: 1,
      error_rate: (index % 5) / 200,
      ln_first_token_ms: { s: ln, m: ln + 0.1, l: ln + 0.4, xl: null },
      ln_tokens_per_second: Math.log(tokens_per_second),
      slow: false,
      last_ok_at_ms: Date.now(),
      samples: 50,
    }
  })
  return {
    catalogue,
    policy: policy.value,
    policy_names: ['default'],
    health,
    codecs: new Set(['openai-chat']),
    losses: () => [],
    caller: callerOf({ prompt: '' }),
    now_ms: Date.now(),
    draw: 0.5,
    decision_id: 'dec_00000000-0000-4000-8000-000000000000',
    endpoint: '/v1/chat/completions',
  }
}
