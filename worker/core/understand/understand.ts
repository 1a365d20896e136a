/**
 * Request -> features, from its text and shape alone.
 */
import type { ChatRequest } from '../../schema/chat.ts'
import type { Features, Modality } from '../../schema/features.ts'
import { estimateTokens } from './tokens.ts'

export function understand(request: ChatRequest): Features {
  const modalities = new Set<Modality>()
  let last = ''
  let tokens = 0
  let turns = 0
  for (const message of request.messages) {
    if (message.role === 'user') turns++
    for (const part of message.parts) {
      if (part.type === 'media') modalities.add(part.modality)
      if (part.type !== 'text') continue
      modalities.add('text')
      tokens += estimateTokens(part.text)
      if (message.role === 'user') last = part.text
    }
  }
  return {
    task: 'conversation',
    task_confidence: 0.2,
    domain: 'general',
    domain_confidence: 0.2,
    difficulty: 0.5,
    language: 'und',
    language_confidence: 0,
    input_modalities: [...modalities],
    prompt_tokens: tokens,
    last_turn_tokens: estimateTokens(last),
    size: tokens < 500 ? 's' : tokens < 4000 ? 'm' : tokens < 32_000 ? 'l' : 'xl',
    expected_output_tokens: Math.min(400, request.max_output_tokens ?? 400),
    max_output_tokens: request.max_output_tokens,
    turns,
    has_system: request.messages.some(message => message.role === 'system' || message.role === 'developer'),
    tools: request.tools.length,
    tool_required: request.tool_choice?.mode === 'required' || request.tool_choice?.mode === 'named',
    tool_results: request.messages.some(message => message.role === 'tool'),
    output_form: request.output.form,
    code_share: 0,
    math_share: 0,
    streaming: request.stream,
    choices: request.choices,
    logprobs: request.logprobs !== null,
    reasoning_requested: request.reasoning !== null,
    personal_data: [],
    injection: 0,
  }
}
