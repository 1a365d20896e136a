import { describe, expect, it } from 'vitest'
import { dialectNamed } from '../../worker/dialects/dialects.ts'
import { fieldName, messagePlace, partPlace } from '../../worker/dialects/place.ts'
import type { ChatRequest, DialectName, JsonObject } from '../../worker/schema/chat.ts'

function read(dialect: DialectName, body: JsonObject): ChatRequest {
  const result = dialectNamed(dialect)?.request.read({ model: 'm', ...body })
  if (!result?.ok) throw new Error('refused')
  return result.value
}

describe('a part, by the path that its caller wrote', () => {
  it('in Anthropic Messages: the system stands apart', () => {
    const request = read('anthropic-messages', { system: 'S', messages: [{ role: 'user', content: 'x' }] })
    expect([messagePlace(request, 0), partPlace(request, 0, 0)]).toEqual(['system', 'system[0]'])
    expect([messagePlace(request, 1), partPlace(request, 1, 0)]).toEqual(['messages[0]', 'messages[0].content[0]'])
  })
  it('in OpenAI Responses: every call, result and thought is an item of its own', () => {
    const request = read('openai-responses', {
      instructions: 'S',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'a' },
            { type: 'input_text', text: 'b' },
          ],
        },
        { type: 'reasoning', summary: [] },
        {
          role: 'assistant',
          content: [
            { type: 'output_text', text: 'c' },
            { type: 'output_text', text: 'd' },
          ],
        },
        { type: 'function_call', call_id: 'x', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'x', output: 'e' },
      ],
    })
    const places = request.messages.flatMap(({ parts }, i) => parts.map((_, j) => partPlace(request, i, j)))
    expect(places).toEqual([
      'instructions.content[0]',
      'input[0].content[0]',
      'input[0].content[1]',
      'input[1]',
      'input[2].content[0]',
      'input[2].content[1]',
      'input[3]',
      'input[4]',
    ])
  })
})

describe('a field, by the name that its caller wrote', () => {
  it.each<[DialectName, string, string]>([
    ['openai-chat', 'n', 'response_format'],
    ['openai-responses', 'choices', 'text.format'],
    ['anthropic-messages', 'choices', 'output_config.format'],
  ])('in %s', (dialect, choices, output) =>
    expect([fieldName(dialect, 'choices'), fieldName(dialect, 'output')]).toEqual([choices, output]),
  )
})
