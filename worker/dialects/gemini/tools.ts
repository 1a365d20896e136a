/**
 * Tools and the choice among them. One entry of `tools` may hold many functions, and beside them tools that the provider runs
 * itself (search, code execution), which are carried whole.
 */
import type { Json, JsonObject, ToolChoice, ToolDefinition } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra, lostTool, WHOLE, wholeTool } from '../marks.ts'
import type { Writing } from './part-write.ts'

const FUNCTION = new Set(['name', 'description', 'parametersJsonSchema'])
const ENTRY = new Set(['functionDeclarations'])

export function readTools(check: Check, body: JsonObject): ToolDefinition[] {
  const { tools } = body
  if (tools === undefined || tools === null) return []
  const read: ToolDefinition[] = []
  if (!Array.isArray(tools)) refuse(check, 'tools', `must be an array, not ${kindOf(tools)}.`)
  else {
    tools.forEach((raw, i) => {
      if (!isObject(raw)) {
        refuse(check, `tools[${i}]`, `must be an object, not ${kindOf(raw)}.`)
        return
      }
      const functions = raw.functionDeclarations
      if (Array.isArray(functions)) {
        functions.forEach((each, j) => {
          const tool = readFunction(each)
          if (tool) read.push(tool)
          else refuse(check, `tools[${i}].functionDeclarations[${j}].name`, 'is missing.')
        })
      }
      const others = rest(raw, ENTRY)
      if (others)
        read.push({ name: Object.keys(others)[0] as string, description: null, parameters: null, strict: null, extra: { [WHOLE]: others } })
    })
  }
  return read
}

function readFunction(raw: Json): ToolDefinition | null {
  if (!isObject(raw) || typeof raw.name !== 'string' || raw.name === '') return null
  const tool: ToolDefinition = {
    name: raw.name,
    description: typeof raw.description === 'string' ? raw.description : null,
    // `parameters` is a smaller language with types in capitals; it is kept in `extra` and goes back under its own name.
    parameters: raw.parametersJsonSchema ?? raw.parameters ?? null,
    strict: null,
  }
  const extra = rest(raw, FUNCTION)
  if (extra) tool.extra = extra
  return tool
}

export function writeTools(tools: readonly ToolDefinition[], to: Writing): JsonObject[] {
  const functions: JsonObject[] = []
  const others: JsonObject[] = []
  tools.forEach((tool, i) => {
    const whole = wholeTool(tool)
    if (whole) {
      if (to.own) others.push(whole)
      else to.losses.push(lostTool(i, to.from))
      return
    }
    const declared: JsonObject = { name: tool.name }
    if (tool.description !== null) declared.description = tool.description
    if (tool.parameters !== null && !(to.own && tool.extra?.parameters !== undefined)) declared.parametersJsonSchema = tool.parameters
    if (to.own) carryExtra(declared, tool.extra)
    else loseExtra(tool.extra, `tools[${i}]`, to.losses)
    if (tool.strict === true)
      to.losses.push({ field: `tools[${i}].strict`, how: 'dropped', note: 'arguments are not held to their schema here' })
    if (tool.cache)
      to.losses.push({ field: `tools[${i}].cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
    functions.push(declared)
  })
  return functions.length > 0 ? [{ functionDeclarations: functions }, ...others] : others
}

const MODES = { AUTO: 'auto', NONE: 'none', ANY: 'required' } as const
const CALLING = new Set(['mode', 'allowedFunctionNames'])
const CONFIG = new Set(['functionCallingConfig'])

/** What of `toolConfig` is no choice among the caller's functions stays in `extra`. */
export function readToolChoice(check: Check, body: JsonObject, extra: JsonObject): ToolChoice | null {
  const config = body.toolConfig
  if (config === undefined || config === null) return null
  const calling = isObject(config) ? (config.functionCallingConfig ?? {}) : null
  if (!isObject(config) || !isObject(calling)) {
    refuse(check, 'toolConfig', 'must be an object; functionCallingConfig in it as well.')
    return null
  }
  const { mode, allowedFunctionNames: names } = calling
  const only = Array.isArray(names) && names.length === 1 && typeof names[0] === 'string' ? names[0] : null
  const plain = typeof mode === 'string' && Object.hasOwn(MODES, mode)
  if (!plain || rest(calling, CALLING) || rest(config, CONFIG) || (names !== undefined && !(mode === 'ANY' && only !== null)))
    extra.toolConfig = config
  if (!plain) return mode === undefined ? null : { mode: 'auto' }
  return mode === 'ANY' && only !== null ? { mode: 'named', name: only } : { mode: MODES[mode as keyof typeof MODES] }
}

export function writeToolChoice(choice: ToolChoice): JsonObject {
  const calling: JsonObject =
    choice.mode === 'named'
      ? { mode: 'ANY', allowedFunctionNames: [choice.name] }
      : { mode: choice.mode === 'auto' ? 'AUTO' : choice.mode === 'none' ? 'NONE' : 'ANY' }
  return { functionCallingConfig: calling }
}
