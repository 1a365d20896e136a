/**
 * A request in a few words: what a policy's own tests and `signalbox policy explain` are written in. A sketch becomes a whole
 * request and a caller, so that it goes through the very code that serves.
 */
import type { Caller } from '../../schema/caller.ts'
import type { ChatRequest, Message, Part } from '../../schema/chat.ts'
import type { Sketch } from '../../schema/policy.ts'

/** Plain words about nothing, four characters and a space each: about one token a word. */
const PADDING = 'text '

export function requestOf(sketch: Sketch): ChatRequest {
  const messages: Message[] = []
  if (sketch.system !== undefined) messages.push({ role: 'system', parts: [{ type: 'text', text: sketch.system }] })
  const user: Part[] = [{ type: 'text', text: padded(sketch) }]
  if (sketch.image) user.push({ type: 'media', modality: 'image', source: { at: 'url', url: 'https://example.com/image.png' } })
  messages.push({ role: 'user', parts: user })
  return {
    dialect: 'openai-chat',
    model: sketch.model ?? 'auto',
    stream: sketch.stream ?? false,
    messages,
    tools: Array.from({ length: sketch.tools ?? 0 }, (_, i) => ({
      name: `tool_${i + 1}`,
      description: null,
      parameters: { type: 'object', properties: {} },
      strict: null,
    })),
    tool_choice: null,
    parallel_tool_calls: null,
    output: outputOf(sketch.output_form ?? 'text'),
    max_output_tokens: sketch.max_tokens ?? null,
    temperature: null,
    top_p: null,
    top_k: null,
    seed: null,
    stop: [],
    frequency_penalty: null,
    presence_penalty: null,
    choices: 1,
    logprobs: null,
    reasoning: null,
    user: null,
    metadata: null,
    service_tier: null,
    stream_usage: false,
    extra: {},
  }
}

/** The padding comes first, as a long document does, and the prompt after it, as the question does. */
function padded({ prompt, prompt_tokens }: Sketch): string {
  const missing = (prompt_tokens ?? 0) - Math.ceil(prompt.length / 4)
  return missing > 0 ? `${PADDING.repeat(missing)}\n\n${prompt}` : prompt
}

function outputOf(form: NonNullable<Sketch['output_form']>): ChatRequest['output'] {
  return form === 'json_schema' ? { form, name: 'answer', schema: { type: 'object' }, strict: true } : { form }
}

/** A caller with every permission, labelled as the sketch says. */
export function callerOf({ caller }: Sketch): Caller {
  return {
    v: 1,
    key_id: 'sketchsketc',
    secret_hmac: '0'.repeat(64),
    pepper: '1',
    last4: '0000',
    label: 'sketch',
    org: caller?.org ?? 'sketch',
    team: caller?.team ?? null,
    tier: caller?.tier ?? 'standard',
    tags: caller?.tags ?? [],
    policy: 'default',
    scopes: { policies: null, targets: null, may_pin: true, regions: null },
    budgets: [],
    rates: [],
    expensive: [],
    created_at_ms: 0,
    expires_at_ms: null,
    revoked_at_ms: null,
  }
}
