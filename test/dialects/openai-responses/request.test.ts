import { describe, expect, it } from 'vitest'
import { paramOf, wording } from '../../../worker/core/errors.ts'
import { MAX_ITEMS, readRequest, writeRequest } from '../../../worker/dialects/openai-responses/request.ts'
import type { ChatRequest, Json, JsonObject } from '../../../worker/schema/chat.ts'

const HELLO = { role: 'user', content: 'Hello' }
const body = (members: JsonObject): JsonObject => ({ model: 'auto', input: [HELLO], ...members })

function read(members: JsonObject): ChatRequest {
  const result = readRequest(body(members))
  if (!result.ok) throw new Error(wording(result.error))
  return result.value
}
function refused(members: JsonObject): string | null {
  const result = readRequest(body(members))
  return result.ok ? 'accepted' : paramOf(result.error)
}

describe('the smallest request', () => {
  it('may be plain text', () => expect(read({ input: 'Hello' })).toEqual(read({})))
  it('asks for one plain answer, and says nothing of the rest', () =>
    expect(read({})).toMatchObject({
      dialect: 'openai-responses',
      model: 'auto',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
      max_output_tokens: null,
      tools: [],
      output: { form: 'text' },
      reasoning: null,
      extra: {},
    }))
  it('reads null as absent, everywhere', () => {
    const names = [
      'instructions',
      'tools',
      'tool_choice',
      'text',
      'reasoning',
      'temperature',
      'include',
      'metadata',
      'stream',
      'top_logprobs',
    ]
    expect(read(Object.fromEntries(names.map(name => [name, null])))).toEqual(read({}))
  })
  it('is told what a stream used without asking', () => expect(read({ stream: true }).stream_usage).toBe(true))
})

describe('a value that cannot be used is refused with the name of its field', () => {
  const item = (raw: Json): JsonObject => ({ input: [HELLO, raw] })
  const part = (raw: Json): JsonObject => item({ role: 'user', content: [raw] })
  it.each<[string, JsonObject, string]>([
    ['no model', { model: null }, 'model'],
    ['input that is a number', { input: 5 }, 'input'],
    ['no input', { input: [] }, 'input'],
    ['too many items', { input: Array(MAX_ITEMS + 1).fill(HELLO) }, 'input'],
    ['an item that is text', item('x'), 'input[1]'],
    ['an unknown role', item({ role: 'robot', content: 'x' }), 'input[1].role'],
    ['no content', item({ role: 'user' }), 'input[1].content'],
    ['a part that is text', part('x'), 'input[1].content[0]'],
    ['a text without text', part({ type: 'input_text' }), 'input[1].content[0].text'],
    ['an image without an address', part({ type: 'input_image' }), 'input[1].content[0].image_url'],
    ['a file without data', part({ type: 'input_file' }), 'input[1].content[0].file_data'],
    ['a call without an id', item({ type: 'function_call', name: 'f', arguments: '{}' }), 'input[1].call_id'],
    ['a result without an id', item({ type: 'function_call_output', output: 'x' }), 'input[1].call_id'],
    ['a result that is a number', item({ type: 'function_call_output', call_id: 'a', output: 5 }), 'input[1].output'],
    ['instructions that are a number', { instructions: 5 }, 'instructions'],
    ['a tool without a name', { tools: [{ type: 'function' }] }, 'tools[0].name'],
    ['a tool as the other format has it', { tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools[0].name'],
    ['a choice that is a number', { tool_choice: 5 }, 'tool_choice'],
    ['a format without a type', { text: { format: {} } }, 'text.format'],
    ['reasoning that is text', { reasoning: 'high' }, 'reasoning'],
    ['an effort that is a number', { reasoning: { effort: 5 } }, 'reasoning.effort'],
    ['include that is text', { include: 'x' }, 'include'],
    ['no output at all', { max_output_tokens: 0 }, 'max_output_tokens'],
    ['metadata that is text', { metadata: 'x' }, 'metadata'],
    ['stream as text', { stream: 'yes' }, 'stream'],
  ])('%s', (_, members, param) => expect(refused(members)).toBe(param))
})

describe('items', () => {
  it('that one side says in a row are one message, but never two messages in one', () => {
    const roles = (...input: Json[]) =>
      read({ input }).messages.map(({ role, parts }) => `${role}: ${parts.map(part => part.type).join(' ')}`)
    const call = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }
    expect(
      roles(
        HELLO,
        { type: 'reasoning', summary: [] },
        { role: 'assistant', content: 'A' },
        call,
        { ...call, call_id: 'b' },
        { type: 'function_call_output', call_id: 'a', output: '1' },
        { type: 'function_call_output', call_id: 'b', output: '2' },
        { role: 'assistant', content: 'B' },
        { role: 'assistant', content: 'C' },
      ),
    ).toEqual([
      'user: text',
      'assistant: reasoning text tool_call tool_call',
      'tool: tool_result tool_result',
      'assistant: text',
      'assistant: text',
    ])
  })
  it('of a kind without a name are carried whole', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' }
    expect(read({ input: [HELLO, search] }).messages[1]?.parts).toEqual([{ type: 'other', dialect: 'openai-responses', value: search }])
  })
  it('have thoughts with their summaries and what the provider encrypted', () =>
    expect(
      read({
        input: [
          HELLO,
          {
            type: 'reasoning',
            id: 'rs_1',
            summary: [
              { type: 'summary_text', text: 'A' },
              { type: 'summary_text', text: 'B' },
            ],
            encrypted_content: 'E',
          },
        ],
      }).messages[1]?.parts[0],
    ).toMatchObject({ type: 'reasoning', text: 'A\n\nB', encrypted: 'E' }))
})

describe('what leans on what a provider keeps', () => {
  it.each<[string, JsonObject]>([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    ['background', { background: true }],
    ['input (item_reference)', { input: [HELLO, { type: 'item_reference', id: 'msg_1' }] }],
  ])('binds the request to targets of this format: %s', (field, members) =>
    expect(read(members).bound).toEqual({ dialect: 'openai-responses', field }),
  )
  it('binds nothing where it says no', () =>
    expect(read({ previous_response_id: null, background: false, store: false }).bound).toBeUndefined())
  it('may have no words of its own', () => expect(read({ input: [], previous_response_id: 'resp_1' }).messages).toEqual([]))
})

describe('what this format alone has', () => {
  const alone: JsonObject = {
    input: [
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        phase: 'commentary',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'A', annotations: [], x_new: 1 }],
      },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [
          { type: 'summary_text', text: 'A' },
          { type: 'summary_text', text: 'B' },
        ],
        encrypted_content: 'E',
      },
      { type: 'function_call', id: 'fc_1', status: 'completed', call_id: 'a', name: 'f', arguments: '{}', namespace: 'n' },
    ],
    text: { verbosity: 'low', format: { type: 'json_object' } },
    reasoning: { effort: 'low', mode: 'x' },
    include: ['file_search_call.results'],
    tools: [{ type: 'function', name: 'f', parameters: {}, x_new: 1 }, { type: 'web_search' }],
    tool_choice: { type: 'web_search' },
    prompt_cache_key: 'k',
    max_tool_calls: 3,
    truncation: 'disabled',
    store: false,
  }
  it('goes back into it as it was', () => expect(writeRequest(read(alone), 'auto').body).toEqual(body(alone)))
  it('is named as lost on the way into another, but for what the other does anyway', () => {
    const { losses } = writeRequest({ ...read(alone), dialect: 'gemini' }, 'm')
    expect(losses.filter(loss => loss.how === 'dropped').map(loss => loss.field)).toEqual([
      'messages[0].content[0].x_new',
      'messages[0].content[0].message',
      'messages[0].content[1]',
      'messages[0].content[2].namespace',
      'tools[0].x_new',
      'tools[1]',
      'prompt_cache_key',
      'max_tool_calls',
      'tool_choice',
      'text',
      'include',
      'reasoning',
    ])
  })
})

describe('a request from another format', () => {
  const foreign: ChatRequest = { ...read({}), dialect: 'openai-chat' }
  it('asks for nothing to be kept, and for thoughts that can be sent back where the target thinks', () => {
    expect(writeRequest(foreign, 'm', { output_tokens: 9, reasoning: true }).body).toMatchObject({
      store: false,
      include: ['reasoning.encrypted_content'],
    })
    expect(writeRequest(foreign, 'm', { output_tokens: 9, reasoning: false }).body.include).toBeUndefined()
  })
  it('says that a function is not strict, which it would be here if nothing were said', () => {
    const tools = [{ name: 'f', description: null, parameters: null, strict: null }]
    expect(writeRequest({ ...foreign, tools }, 'm').body.tools).toEqual([
      { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
    ])
  })
})
