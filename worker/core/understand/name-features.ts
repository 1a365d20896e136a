/**
 * Whether a request names people. It is asked apart from all other features, and only for policies that refer to what personal data a
 * prompt holds: names cost several times as much to look for as everything else that is private together.
 */
import type { ChatRequest, Part } from '../../schema/chat.ts'
import type { Features } from '../../schema/features.ts'
import type { NameTable } from './name-table.ts'
import { findNames } from './names.ts'

/** Characters over all messages that are searched, newest first, as for other personal data. */
const SEARCHED_CHARS_MAX = 48_000

/** The same features, with `name` among `personal_data` where a name was found. */
export function withNames(features: Features, request: ChatRequest, table: NameTable): Features {
  return hasName(request, table) ? { ...features, personal_data: [...features.personal_data, 'name'].sort() } : features
}

function hasName({ messages }: ChatRequest, table: NameTable): boolean {
  let left = SEARCHED_CHARS_MAX
  let found = false
  const finds = {
    add() {
      found = true
    },
  }
  const search = (text: string) => {
    const searched = Math.min(text.length, left)
    left -= searched
    findNames(text, 0, searched, finds, table)
  }
  const searchParts = (parts: readonly Part[]): void => {
    for (const part of parts) {
      if (found || left <= 0) return
      if (part.type === 'text' || part.type === 'reasoning' || part.type === 'refusal') search(part.text)
      else if (part.type === 'tool_call') search(part.arguments)
      else if (part.type === 'tool_result') searchParts(part.parts)
    }
  }
  for (let i = messages.length - 1; i >= 0 && !found && left > 0; i--) searchParts((messages[i] as ChatRequest['messages'][number]).parts)
  return found
}
