/**
 * Tools and the choice among them. A mark of what to cache stands among the tools as an entry of its own.
 */
import type { JsonObject, Message, ToolChoice, ToolDefinition } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra, lostTool, WHOLE, wholeTool } from '../marks.ts'
import { cacheTtl } from './block.ts'
import { cachePoint, type Writing } from './block-write.ts'

const SPEC = new Set(['name', 'description', 'inputSchema', 'strict'])
const CONFIG = new Set(['tools', 'toolChoice'])

export function readTools(check: Check, body: JsonObject, extra: JsonObject): ToolDefinition[] {
  const config = body.toolConfig
  if (config === undefined || config === null) return []
  if (!isObject(config) || !(config.tools === undefined || Array.isArray(config.tools))) {
    refuse(check, 'toolConfig', `must be an object with an array of tools, not ${kindOf(config)}.`)
    return []
  }
  const others = rest(config, CONFIG)
  if (others) extra.toolConfig = others
  const tools: ToolDefinition[] = []
  const raw = Array.isArray(config.tools) ? config.tools : []
  raw.forEach((each, i) => {
    if (!isObject(each)) {
      refuse(check, `toolConfig.tools[${i}]`, `must be an object, not ${kindOf(each)}.`)
      return
    }
    const before = tools.at(-1)
    const ttl = cacheTtl(each)
    if (ttl !== undefined && before && before.cache === undefined) before.cache = { ttl }
    else tools.push(readTool(each))
  })
  return tools
}

function readTool(raw: JsonObject): ToolDefinition {
  const spec = raw.toolSpec
  const schema = isObject(spec) ? spec.inputSchema : undefined
  if (!isObject(spec) || Object.keys(raw).length !== 1 || typeof spec.name !== 'string' || !isObject(schema) || !isObject(schema.json)) {
    const inner = Object.values(raw)[0]
    const name = isObject(inner) && typeof inner.name === 'string' ? inner.name : (Object.keys(raw)[0] ?? 'tool')
    return { name, description: null, parameters: null, strict: null, extra: { [WHOLE]: raw } }
  }
  const tool: ToolDefinition = {
    name: spec.name,
    description: typeof spec.description === 'string' ? spec.description : null,
    parameters: schema.json,
    strict: typeof spec.strict === 'boolean' ? spec.strict : null,
  }
  const extra = rest(spec, SPEC)
  if (extra) tool.extra = extra
  return tool
}

export function readToolChoice({ toolConfig }: JsonObject, extra: JsonObject): ToolChoice | null {
  const choice = isObject(toolConfig) ? toolConfig.toolChoice : undefined
  if (choice === undefined || choice === null) return null
  if (isObject(choice)) {
    if (isObject(choice.auto)) return { mode: 'auto' }
    if (isObject(choice.any)) return { mode: 'required' }
    if (isObject(choice.tool) && typeof choice.tool.name === 'string') return { mode: 'named', name: choice.tool.name }
  }
  extra.toolConfig = { ...(isObject(extra.toolConfig) ? extra.toolConfig : {}), toolChoice: choice }
  return { mode: 'auto' }
}

const ANYTHING: JsonObject = { type: 'object', properties: {} }

export function writeToolConfig(
  { tools, tool_choice, messages }: { tools: ToolDefinition[]; tool_choice: ToolChoice | null; messages: Message[] },
  to: Writing,
): JsonObject | null {
  const written = tools.flatMap((tool, i) => writeTool(tool, i, to))
  if (to.own) {
    const config: JsonObject = { tools: written }
    if (tool_choice !== null && tool_choice.mode !== 'none') config.toolChoice = choiceOf(tool_choice)
    return written.length > 0 || tool_choice !== null ? config : null
  }
  const called = namesCalled(messages)
  if (written.length === 0 && called.length > 0) {
    // A conversation with calls in it is refused without tools.
    to.losses.push({ field: 'tools', how: 'emulated', note: 'tools called before are declared, as they must be here' })
    return { tools: called.map(name => ({ toolSpec: { name, inputSchema: { json: ANYTHING } } })) }
  }
  if (written.length === 0) return null
  if (tool_choice?.mode !== 'none') return tool_choice === null ? { tools: written } : { tools: written, toolChoice: choiceOf(tool_choice) }
  if (called.length === 0) {
    to.losses.push({ field: 'tool_choice', how: 'emulated', note: 'without its tools the model calls none' })
    return null
  }
  to.losses.push({ field: 'tool_choice', how: 'dropped', note: 'tools that were called before cannot be forbidden here' })
  return { tools: written }
}

function writeTool(tool: ToolDefinition, i: number, to: Writing): JsonObject[] {
  const field = `tools[${i}]`
  const whole = wholeTool(tool)
  if (whole && !to.own) {
    to.losses.push(lostTool(i, to.from))
    return []
  }
  const marked = tool.cache ? cachePoint(tool.cache.ttl, field, to) : []
  if (whole) return [whole, ...marked]
  const spec: JsonObject = { name: tool.name, inputSchema: { json: tool.parameters ?? ANYTHING } }
  if (tool.description !== null && tool.description !== '') spec.description = tool.description
  if (tool.strict !== null) spec.strict = tool.strict
  if (to.own) carryExtra(spec, tool.extra)
  else loseExtra(tool.extra, field, to.losses)
  return [{ toolSpec: spec }, ...marked]
}

const choiceOf = (choice: ToolChoice): JsonObject =>
  choice.mode === 'named' ? { tool: { name: choice.name } } : choice.mode === 'required' ? { any: {} } : { auto: {} }

function namesCalled(messages: Message[]): string[] {
  const names = new Set<string>()
  for (const { parts } of messages) for (const part of parts) if (part.type === 'tool_call') names.add(part.name)
  return [...names]
}
