/**
 * Tools and the choice among them. Whether arguments must keep to their schemas is said for all tools together, and no single tool can
 * be demanded.
 */
import type { ChatRequest, JsonObject, ToolChoice, ToolDefinition } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { lostTool, WHOLE, wholeTool } from '../marks.ts'
import { carried, type Writing } from './part.ts'

const TOOL = new Set(['type', 'function'])
const FUNCTION = new Set(['name', 'description', 'parameters'])
const ANYTHING: JsonObject = { type: 'object', properties: {} }

export function readTools(check: Check, { tools: raw, strict_tools }: JsonObject): ToolDefinition[] {
  if (raw === undefined || raw === null) return []
  if (!Array.isArray(raw)) {
    refuse(check, 'tools', `must be an array of tools, not ${kindOf(raw)}.`)
    return []
  }
  const strict = typeof strict_tools === 'boolean' ? strict_tools : null
  return raw.flatMap((each, i) => {
    if (isObject(each)) return [readTool(each, strict)]
    refuse(check, `tools[${i}]`, `must be an object, not ${kindOf(each)}.`)
    return []
  })
}

function readTool(raw: JsonObject, strict: boolean | null): ToolDefinition {
  const called = raw.function
  if (!isObject(called) || typeof called.name !== 'string')
    return { name: 'tool', description: null, parameters: null, strict, extra: { [WHOLE]: raw } }
  const tool: ToolDefinition = {
    name: called.name,
    description: typeof called.description === 'string' ? called.description : null,
    parameters: called.parameters ?? null,
    strict,
  }
  const extra = { ...rest(raw, TOOL), ...rest(called, FUNCTION) }
  if (Object.keys(extra).length > 0) tool.extra = extra
  return tool
}

export function readToolChoice({ tool_choice }: JsonObject, extra: JsonObject): ToolChoice | null {
  if (tool_choice === undefined || tool_choice === null) return null
  if (tool_choice === 'REQUIRED') return { mode: 'required' }
  if (tool_choice === 'NONE') return { mode: 'none' }
  extra.tool_choice = tool_choice
  return null
}

export function writeTools(body: JsonObject, { tools, tool_choice, parallel_tool_calls }: ChatRequest, to: Writing): void {
  // A tool that must be called is the only one offered.
  const named = tool_choice?.mode === 'named' ? tool_choice.name : null
  const offered = tools.filter(tool => named === null || tool.name === named)
  if (named !== null) to.losses.push({ field: 'tool_choice', how: 'emulated', note: 'it alone is offered' })
  const written = offered.flatMap(tool => writeTool(tool, tools.indexOf(tool), to))
  if (written.length > 0) {
    body.tools = written
    writeStrict(body, offered, to)
  }
  if (tool_choice?.mode === 'none') body.tool_choice = 'NONE'
  else if (tool_choice?.mode === 'required' || named !== null) body.tool_choice = 'REQUIRED'
  if (parallel_tool_calls === false)
    to.losses.push({ field: 'parallel_tool_calls', how: 'dropped', note: 'calls side by side cannot be forbidden here' })
}

function writeStrict(body: JsonObject, tools: ToolDefinition[], to: Writing): void {
  const strict = tools.some(tool => tool.strict === true)
  if (strict || tools.some(tool => tool.strict === false)) body.strict_tools = strict
  if (strict && tools.some(tool => tool.strict !== true))
    to.losses.push({ field: 'tools', how: 'approximated', note: 'strict for one is strict for all' })
}

function writeTool(tool: ToolDefinition, i: number, to: Writing): JsonObject[] {
  const field = `tools[${i}]`
  const whole = wholeTool(tool)
  if (whole && !to.own) {
    to.losses.push(lostTool(i, to.from))
    return []
  }
  if (whole) return [whole]
  const called: JsonObject = { name: tool.name, parameters: tool.parameters ?? ANYTHING }
  if (tool.description !== null) called.description = tool.description
  return [carried({ type: 'function', function: called }, tool, field, to)]
}
