/**
 * Tools and the choice among them. A tool without a type, or of type `custom`, is the caller's own; every other one is run by the
 * provider (search, code execution) or shaped by it (computer, bash), counts as a tool and is carried whole.
 */
import type { ChatRequest, Json, JsonObject, ToolChoice, ToolDefinition } from '../../schema/chat.ts'
import { readMarker, writeMarker } from '../cache-marker.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra, lostTool, WHOLE, wholeTool } from '../marks.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './block.ts'

const TOOL = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'])
/** A mark: the caller spelled `"type":"custom"` out. */
const CUSTOM = ' custom'

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
  if (typeof raw.type === 'string' && raw.type !== 'custom')
    return {
      name: typeof raw.name === 'string' ? raw.name : raw.type,
      description: null,
      parameters: null,
      strict: null,
      extra: { [WHOLE]: raw },
    }
  if (typeof raw.name !== 'string' || raw.name === '') return '.name'
  if (raw.input_schema !== undefined && raw.input_schema !== null && !isObject(raw.input_schema)) return '.input_schema'
  const tool: ToolDefinition = {
    name: raw.name,
    description: typeof raw.description === 'string' ? raw.description : null,
    parameters: raw.input_schema ?? null,
    strict: typeof raw.strict === 'boolean' ? raw.strict : null,
  }
  const extra = rest(raw, TOOL)
  if (extra) tool.extra = extra
  if (raw.type === 'custom') tool.extra = { ...tool.extra, [CUSTOM]: true }
  readMarker(raw.cache_control, tool)
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
    const out: JsonObject = { name: tool.name }
    if (to.own && tool.extra?.[CUSTOM] === true) out.type = 'custom'
    if (tool.description !== null) out.description = tool.description
    // Required here; a function without parameters takes an empty object.
    if (tool.parameters !== null) out.input_schema = tool.parameters
    else if (!to.own) out.input_schema = { type: 'object', properties: {} }
    if (tool.strict !== null) out.strict = tool.strict
    if (tool.cache) out.cache_control = writeMarker(tool.cache)
    if (to.own) carryExtra(out, tool.extra)
    else loseExtra(tool.extra, `tools[${i}]`, to.losses)
    written.push(out)
  })
  return written
}

const CHOICE = new Set(['type', 'name', 'disable_parallel_tool_use'])
const MODES: Record<string, 'auto' | 'none' | 'required'> = { auto: 'auto', none: 'none', any: 'required' }

export function readToolChoice(
  check: Check,
  raw: Json | undefined,
  extra: JsonObject,
): { tool_choice: ToolChoice | null; parallel_tool_calls: boolean | null } {
  if (raw === undefined || raw === null) return { tool_choice: null, parallel_tool_calls: null }
  if (!isObject(raw) || typeof raw.type !== 'string') {
    refuse(check, 'tool_choice', 'must be {"type":"auto"}, {"type":"any"}, {"type":"none"}, or {"type":"tool","name":"..."}.')
    return { tool_choice: null, parallel_tool_calls: null }
  }
  const disabled = raw.disable_parallel_tool_use
  if (disabled !== undefined && disabled !== null && typeof disabled !== 'boolean')
    refuse(check, 'tool_choice.disable_parallel_tool_use', `must be true or false, not ${kindOf(disabled)}.`)
  const parallel_tool_calls = typeof disabled === 'boolean' ? !disabled : null
  if (raw.type === 'tool' && typeof raw.name !== 'string') refuse(check, 'tool_choice.name', 'is missing: the tool to use.')
  const mode = Object.hasOwn(MODES, raw.type) ? (MODES[raw.type] as 'auto' | 'none' | 'required') : null
  // A choice that tomorrow brings is the target's to read.
  if ((mode === null && raw.type !== 'tool') || rest(raw, CHOICE)) extra.tool_choice = raw
  if (raw.type === 'tool' && typeof raw.name === 'string') return { tool_choice: { mode: 'named', name: raw.name }, parallel_tool_calls }
  return { tool_choice: { mode: mode ?? 'auto' }, parallel_tool_calls }
}

export function writeToolChoice({ tools, tool_choice, parallel_tool_calls, dialect }: ChatRequest, to: Writing): JsonObject | null {
  const one_at_a_time = parallel_tool_calls === false
  // Here a choice without tools is an error; elsewhere it says nothing.
  if (!to.own && tools.every(wholeTool)) {
    if (tool_choice?.mode === 'named' || tool_choice?.mode === 'required')
      to.losses.push({ field: 'tool_choice', how: 'dropped', note: 'there is no tool to choose' })
    return null
  }
  if (tool_choice === null && !one_at_a_time) return null
  const written: JsonObject = writeMode(tool_choice)
  if (to.own) {
    if (parallel_tool_calls !== null) written.disable_parallel_tool_use = one_at_a_time
  } else if (one_at_a_time && tool_choice?.mode !== 'none') {
    written.disable_parallel_tool_use = true
    if (tool_choice === null) return written
  } else if (one_at_a_time)
    to.losses.push({ field: fieldName(dialect, 'parallel_tool_calls'), how: 'dropped', note: 'no tool is called anyway' })
  return written
}

function writeMode(choice: ToolChoice | null): JsonObject {
  if (choice === null) return { type: 'auto' }
  if (choice.mode === 'named') return { type: 'tool', name: choice.name }
  return { type: choice.mode === 'required' ? 'any' : choice.mode }
}
