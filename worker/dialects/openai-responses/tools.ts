/**
 * Tools and the choice among them. A function is flat here; every other type (search, code interpreter, MCP, a custom grammar) is
 * run or shaped by the provider, counts as a tool and is carried whole.
 */
import type { ChatRequest, Json, JsonObject, ToolChoice, ToolDefinition } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra, lostTool, WHOLE, wholeTool } from '../marks.ts'
import type { Writing } from './content.ts'

const FUNCTION = new Set(['type', 'name', 'description', 'parameters', 'strict'])

export function readTools(check: Check, raw: Json | undefined): ToolDefinition[] {
  if (raw === undefined || raw === null) return []
  if (!Array.isArray(raw)) {
    refuse(check, 'tools', `must be an array, not ${kindOf(raw)}.`)
    return []
  }
  const tools: ToolDefinition[] = []
  raw.forEach((each, i) => {
    const tool = readTool(each)
    if (typeof tool === 'string') refuse(check, `tools[${i}]${tool}`, 'is missing or has the wrong type.')
    else tools.push(tool)
  })
  return tools
}

/** The tool, or the path of the member that is wrong. */
function readTool(raw: Json): ToolDefinition | string {
  if (!isObject(raw)) return ''
  if (typeof raw.type !== 'string') return '.type'
  if (raw.type !== 'function')
    return {
      name: typeof raw.name === 'string' ? raw.name : raw.type,
      description: null,
      parameters: null,
      strict: null,
      extra: { [WHOLE]: raw },
    }
  if (typeof raw.name !== 'string' || raw.name === '') return '.name'
  if (raw.parameters !== undefined && raw.parameters !== null && !isObject(raw.parameters)) return '.parameters'
  const tool: ToolDefinition = {
    name: raw.name,
    description: typeof raw.description === 'string' ? raw.description : null,
    parameters: raw.parameters ?? null,
    strict: typeof raw.strict === 'boolean' ? raw.strict : null,
  }
  const extra = rest(raw, FUNCTION)
  if (extra) tool.extra = extra
  return tool
}

export function writeTools({ tools, dialect }: ChatRequest, to: Writing): JsonObject[] {
  const written: JsonObject[] = []
  tools.forEach((tool, i) => {
    const whole = wholeTool(tool)
    if (whole) {
      if (to.own) written.push(whole)
      else to.losses.push(lostTool(i, dialect))
      return
    }
    const out: JsonObject = { type: 'function', name: tool.name }
    if (tool.description !== null) out.description = tool.description
    if (tool.parameters !== null) out.parameters = tool.parameters
    else if (!to.own) out.parameters = { type: 'object', properties: {} }
    // Left out, this format takes a function for strict, and others do not.
    if (tool.strict !== null) out.strict = tool.strict
    else if (!to.own) out.strict = false
    if (tool.cache && !to.own)
      to.losses.push({ field: `tools[${i}].cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
    if (to.own) carryExtra(out, tool.extra)
    else loseExtra(tool.extra, `tools[${i}]`, to.losses)
    written.push(out)
  })
  return written
}

const MODES: Record<string, 'auto' | 'none' | 'required'> = { auto: 'auto', none: 'none', required: 'required' }

export function readToolChoice(check: Check, choice: Json | undefined, extra: JsonObject): ToolChoice | null {
  if (choice === undefined || choice === null) return null
  if (typeof choice === 'string' && Object.hasOwn(MODES, choice)) return { mode: MODES[choice] as 'auto' | 'none' | 'required' }
  if (isObject(choice) && typeof choice.type === 'string') {
    if (choice.type === 'function' && typeof choice.name === 'string') return { mode: 'named', name: choice.name }
    if (choice.type !== 'function') {
      // `allowed_tools`, a provider's own tool and what may come: the target reads it, the router knows only that tools are on.
      extra.tool_choice = choice
      return { mode: choice.type === 'allowed_tools' && choice.mode !== 'required' ? 'auto' : 'required' }
    }
  }
  refuse(check, 'tool_choice', 'must be "auto", "none", "required", or {"type":"function","name":"..."}.')
  return null
}

export function writeToolChoice({ tools, tool_choice }: ChatRequest, to: Writing): Json | null {
  if (tool_choice === null) return null
  if (!to.own && tools.length > 0 && tools.every(wholeTool)) {
    to.losses.push({ field: 'tool_choice', how: 'dropped', note: 'there is no tool left to choose' })
    return null
  }
  return tool_choice.mode === 'named' ? { type: 'function', name: tool_choice.name } : tool_choice.mode
}
