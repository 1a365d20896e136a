/**
 * What a demo target says. No model runs: the answer says so, names the target that gave it, and has the shape that was
 * asked for (text, a tool call, JSON by the caller's schema), so that a client can be built against it.
 */
import { estimateTokens } from '../core/understand/tokens.ts'
import type { ChatRequest, Json, JsonObject } from '../schema/chat.ts'

export type DemoAnswer = { text: string } | { tool: { name: string; arguments: string } }

const QUOTE_CHARS = 80
/** A schema deeper than this gets null below it; recursive schemas end here. */
const SCHEMA_DEPTH = 8

export function demoAnswer(request: ChatRequest, model: string): DemoAnswer {
  const tool = toolToCall(request)
  if (tool) return { tool: { name: tool.name, arguments: JSON.stringify(sample(tool.parameters, tool.parameters, model, 0) ?? {}) } }
  if (request.output.form === 'json_schema') return { text: JSON.stringify(sample(request.output.schema, request.output.schema, model, 0)) }
  if (request.output.form === 'json_object') return { text: JSON.stringify({ demo: true, target: `demo/${model}`, note: 'No model ran.' }) }
  return { text: sentences(request, model) }
}

/** Input and output as a provider would count them; both are estimates, as every figure of the demo is. */
export function demoUsage(request: ChatRequest, answer: DemoAnswer): { input_tokens: number; output_tokens: number } {
  const said = 'text' in answer ? answer.text : `${answer.tool.name}${answer.tool.arguments}`
  return { input_tokens: estimateTokens(JSON.stringify(request.messages)), output_tokens: Math.max(1, estimateTokens(said)) }
}

/** A target that is offered tools calls the one it must, or the first; once it has a result it answers in words. */
function toolToCall({ tools, tool_choice, messages }: ChatRequest) {
  if (tool_choice?.mode === 'none' || messages.at(-1)?.role === 'tool') return undefined
  return tool_choice?.mode === 'named' ? tools.find(tool => tool.name === tool_choice.name) : tools[0]
}

function sentences(request: ChatRequest, model: string): string {
  const asked = lastUserText(request).replace(/\s+/g, ' ').trim()
  const quote = asked.length > QUOTE_CHARS ? `${asked.slice(0, QUOTE_CHARS)}…` : asked
  const opening = `This is a demo: no model ran. The built-in target demo/${model} answers${quote ? ` "${quote}"` : ''}.`
  const next =
    "Put a provider's key into .dev.vars and a real target takes over; GET /v1/decisions/{id} with the id in the x-signalbox-decision header says why this one was chosen."
  if (model !== 'large') return `${opening} ${next}`
  const more =
    'As the large demo target it is slower and dearer than demo/small and is chosen where quality is worth that: for hard prompts under the default policy, and for most prompts under the policy "quality".'
  return `${opening} ${more} ${next}`
}

function lastUserText({ messages }: ChatRequest): string {
  const last = messages.findLast(message => message.role === 'user')
  return (last?.parts ?? []).map(part => (part.type === 'text' ? part.text : `[${part.type}]`)).join(' ')
}

/** A small value that satisfies the usual keywords of a JSON Schema; strings say where they come from. */
function sample(schema: Json | undefined, root: Json, model: string, depth: number): Json {
  if (depth > SCHEMA_DEPTH || !isObject(schema)) return null
  const inner = (next: Json | undefined) => sample(next, root, model, depth + 1)
  if (typeof schema.$ref === 'string') return inner(resolved(schema.$ref, root))
  if ('const' in schema) return schema.const ?? null
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (Array.isArray(choices)) return inner(choices[0])
  const type = Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? (schema.properties ? 'object' : undefined))
  switch (type) {
    case 'object':
      return Object.fromEntries(Object.entries(isObject(schema.properties) ? schema.properties : {}).map(([name, of]) => [name, inner(of)]))
    case 'array':
      return Array.from({ length: Math.min(Math.max(Number(schema.minItems ?? 1), 0), 10) }, () => inner(schema.items))
    case 'string':
      return `demo/${model}`
    case 'integer':
    case 'number':
      return Number(schema.minimum ?? 1)
    case 'boolean':
      return true
    default:
      return null
  }
}

/** A reference inside the same document: `#`, `#/$defs/step`. */
function resolved(ref: string, root: Json): Json | undefined {
  let at: Json | undefined = root
  for (const step of ref.split('/').slice(1)) at = isObject(at) ? at[step] : undefined
  return at
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
