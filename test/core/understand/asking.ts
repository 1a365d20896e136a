/** Requests in a few words, for the tests of this folder. */
import type { ChatRequest, Message, ToolDefinition } from '../../../worker/schema/chat.ts'

export function asking(text: string, rest: Partial<ChatRequest> = {}): ChatRequest {
  return {
    dialect: 'openai-chat',
    model: 'auto',
    stream: false,
    messages: [said('user', text)],
    tools: [],
    tool_choice: null,
    parallel_tool_calls: null,
    output: { form: 'text' },
    max_output_tokens: null,
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
    ...rest,
  }
}

export const said = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] })

export const tool = (name: string): ToolDefinition => ({
  name,
  description: `Does ${name}.`,
  parameters: { type: 'object', properties: { path: { type: 'string', description: 'Where.' } } },
  strict: null,
})
