/**
 * Marks: members of an `extra` that a codec leaves for itself, such as an item's own id or the spelling that a caller used. They
 * are needed to write back what was read and mean nothing elsewhere, so they are neither sent into another dialect nor lost
 * on the way there. Their names begin with a space, which no member of any wire format does.
 */
import type { DialectName, Json, JsonObject, Loss, ToolDefinition } from '../schema/chat.ts'
import { carry, isObject } from './check.ts'

/** A tool that is no function of the caller's: the provider's own search, a custom grammar. Its definition is carried whole under this. */
export const WHOLE = ' whole'

export const isMark = (name: string) => name.charCodeAt(0) === 0x20

/** Under `field`, every member of `extra` that is no mark: what another dialect does not take. A null says nothing and is no loss. */
export function loseExtra(extra: JsonObject | undefined, field: string, losses: Loss[]): void {
  for (const name in extra)
    if (!isMark(name) && extra[name] !== null) losses.push({ field: field === '' ? name : `${field}.${name}`, how: 'dropped' })
}

/** Sets every member of `extra` that is no mark: what goes back into its own dialect. */
export function carryExtra(into: JsonObject, extra: JsonObject | undefined): void {
  for (const name in extra) if (!isMark(name)) carry(into, name, extra[name] as Json)
}

/** The definition of a tool that is carried whole, or null for a plain function. */
export function wholeTool(tool: ToolDefinition): JsonObject | null {
  const whole = tool.extra?.[WHOLE]
  return isObject(whole) ? whole : null
}

/** The loss that such a tool is on its way into another dialect. */
export function lostTool(i: number, from: DialectName): Loss {
  return { field: `tools[${i}]`, how: 'dropped', note: `a tool that only a provider of ${from} runs` }
}
