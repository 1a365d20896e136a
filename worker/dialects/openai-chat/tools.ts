/**
 * Tools and the choice among them. `functions` and `function_call` are the deprecated spelling of the same; the neutral form
 * marks them, so that they go back as they came. A tool of another type than `function` (a provider's own search, a custom
 * grammar) counts as a tool and is carried whole.
 */
import type { DialectName, Json, JsonObject, ToolChoice, ToolDefinition } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { loseExtra, lostTool, WHOLE, wholeTool } from '../marks.ts'
import { loseMarker, type Writing } from './part.ts'

const FUNCTION = new Set(['name', 'description', 'parameters', 'strict'])
const TOOL = new Set(['type', 'function', 'cache_control'])
const DEPRECATED = ' deprecated'

export function readTools(check: Check, body: JsonObject): ToolDefinition[] {
  const tools: ToolDefinition[] = []
  for (const list of ['tools', 'functions'] as const) {
    const raw = body[list]
    if (raw === undefined || raw === null) continue
    if (!Array.isArray(raw)) refuse(check, list, `must be an array, not ${kindOf(raw)}.`)
    else {
      for (let i = 0; i < raw.length; i++) {
        const tool = list === 'tools' ? readTool(raw[i] as Json) : readFunction(raw[i], { [DEPRECATED]: true })
        if (typeof tool === 'string') refuse(check, `${list}[${i}]${tool}`, 'is missing or has the wrong type.')
        else tools.push(tool)
      }
    }
  }
  return tools
}

/** The tool, or the path of the member that is wrong. */
function readTool(raw: Json): ToolDefinition | string {
  if (!isObject(raw)) return ''
  if (raw.type !== 'function') {
    if (typeof raw.type !== 'string') return '.type'
    const inner = raw[raw.type]
    const name = isObject(inner) && typeof inner.name === 'string' ? inner.name : typeof raw.name === 'string' ? raw.name : raw.type
    return { name, description: null, parameters: null, strict: null, extra: { [WHOLE]: raw } }
  }
  const tool = readFunction(raw.function, rest(raw, TOOL))
  if (typeof tool === 'string') return `.function${tool}`
  const marker = raw.cache_control
  if (isObject(marker)) tool.cache = { ttl: typeof marker.ttl === 'string' ? marker.ttl : null }
  return tool
}

function readFunction(raw: Json | undefined, beside: JsonObject | undefined): ToolDefinition | string {
  if (!isObject(raw)) return ''
  if (typeof raw.name !== 'string' || raw.name === '') return '.name'
  if (raw.parameters !== undefined && raw.parameters !== null && !isObject(raw.parameters)) return '.parameters'
  const tool: ToolDefinition = {
    name: raw.name,
    description: typeof raw.description === 'string' ? raw.description : null,
    parameters: raw.parameters ?? null,
    strict: typeof raw.strict === 'boolean' ? raw.strict : null,
  }
  const inside = rest(raw, FUNCTION)
  if (inside || beside) tool.extra = { ...beside, ...(inside ? { function: inside } : undefined) }
  return tool
}

export function writeTools(body: JsonObject, tools: ToolDefinition[], from: DialectName, to: Writing): void {
  const modern: JsonObject[] = []
  const deprecated: JsonObject[] = []
  tools.forEach((tool, i) => {
    const field = `tools[${i}]`
    const whole = wholeTool(tool)
    if (whole) {
      if (to.own) modern.push(whole)
      else to.losses.push(lostTool(i, from))
      return
    }
    const { [DEPRECATED]: old, function: inside, ...beside } = (to.own ? tool.extra : undefined) ?? {}
    if (!to.own) loseExtra(tool.extra, field, to.losses)
    const called: JsonObject = { name: tool.name }
    if (tool.description !== null) called.description = tool.description
    if (tool.parameters !== null) called.parameters = tool.parameters
    if (tool.strict !== null) called.strict = tool.strict
    if (isObject(inside)) Object.assign(called, inside)
    if (old === true) {
      deprecated.push(called)
      return
    }
    const written: JsonObject = { type: 'function', function: called, ...beside }
    if (tool.cache) {
      if (to.own) written.cache_control = tool.cache.ttl === null ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: tool.cache.ttl }
      else loseMarker(field, to)
    }
    modern.push(written)
  })
  if (modern.length > 0) body.tools = modern
  if (deprecated.length > 0) body.functions = deprecated
}

/** Words beside OpenAI's own: `any` is how some compatible providers say `required`. */
const MODES: Record<string, 'auto' | 'none' | 'required'> = { auto: 'auto', none: 'none', required: 'required', any: 'required' }
const isOwnWord = (word: string) => word !== 'any'

export function readToolChoice(check: Check, body: JsonObject, extra: JsonObject): ToolChoice | null {
  const name = body.tool_choice !== undefined && body.tool_choice !== null ? 'tool_choice' : 'function_call'
  const choice = body[name]
  if (choice === undefined || choice === null) return null
  if (typeof choice === 'string' && Object.hasOwn(MODES, choice)) {
    if (name === 'function_call' || !isOwnWord(choice)) extra[name] = choice
    return { mode: MODES[choice] as 'auto' | 'none' | 'required' }
  }
  if (isObject(choice)) {
    if (name === 'function_call' && typeof choice.name === 'string') {
      extra.function_call = choice
      return { mode: 'named', name: choice.name }
    }
    const inner = isObject(choice.function) ? choice.function : null
    if (choice.type === 'function' && inner && typeof inner.name === 'string') return { mode: 'named', name: inner.name }
    if (typeof choice.type === 'string' && choice.type !== 'function') {
      // `allowed_tools`, `custom` and what may come: the target reads it, the router knows only that tools are on.
      extra.tool_choice = choice
      const allowed = isObject(choice.allowed_tools) ? choice.allowed_tools.mode : undefined
      return { mode: allowed === 'required' || choice.type === 'custom' ? 'required' : 'auto' }
    }
  }
  refuse(check, name, 'must be "auto", "none", "required", or {"type":"function","function":{"name":"..."}}.')
  return null
}

export function writeToolChoice(choice: ToolChoice | null): Json | null {
  if (choice === null) return null
  return choice.mode === 'named' ? { type: 'function', function: { name: choice.name } } : choice.mode
}
