/**
 * An answer that takes up another one, event by event: its text passes the seam, what it says of itself (its name, its thoughts, its
 * provider's extras) is left out, as the caller's stream has begun under another name, and its counts are told with those of the
 * part before. Once, before anything else, the caller's stream says that this happened.
 */
import { summed } from '../core/spend/summed.ts'
import type { DialectName, JsonObject, StreamEvent, TokenUsage } from '../schema/chat.ts'
import type { Seam } from './splice.ts'
import type { Told } from './told.ts'

export type Resumption = {
  told: Told
  seam: Seam
  /** What the part before used, as far as anybody knows. */
  usage: TokenUsage | null
  /** For the caller's program to see, in members that clients pass over. */
  note: JsonObject
}

export function resumer({ seam, usage, note }: Resumption, dialect: DialectName) {
  let noted = false

  const text = (said: string): StreamEvent[] => {
    if (said === '' || seam.diverged) return []
    const out: StreamEvent[] = [{ type: 'text', choice: 0, text: said }]
    if (!noted) out.unshift({ type: 'other', dialect, value: note })
    noted = true
    return out
  }
  /** Whatever is not text comes behind all of it. */
  const behind = (event: StreamEvent): StreamEvent[] => {
    const held = text(seam.end())
    return seam.diverged ? [] : [...held, ...(noted ? [] : [{ type: 'other' as const, dialect, value: note }]), event]
  }
  return {
    follow(event: StreamEvent): StreamEvent[] {
      if (seam.diverged) return []
      switch (event.type) {
        case 'start':
        case 'reasoning':
        case 'other':
          return []
        case 'text':
          return text(seam.text(event.text))
        case 'usage':
          return [{ type: 'usage', usage: usage === null ? event.usage : summed(usage, event.usage) }]
        case 'finish': {
          const out = behind(event)
          noted = true
          return out
        }
        case 'tool_call_start':
        case 'refusal':
        case 'citation':
        case 'part':
          return behind(event)
        default:
          return [event]
      }
    },
    get diverged() {
      return seam.diverged
    },
  }
}
