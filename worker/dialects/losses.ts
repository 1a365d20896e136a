/**
 * What a request loses on the way to a target: by being written in another dialect, and by fields that this target refuses.
 * Asked of the chosen target, or of all where nothing may be lost; the request is written once a dialect, and only when asked.
 */
import { fitTo } from '../core/decide/parameters.ts'
import type { LiveTarget } from '../core/decide/world.ts'
import type { ChatRequest, DialectName, Loss } from '../schema/chat.ts'
import type { WrittenRequest } from './dialect.ts'
import { dialectNamed } from './dialects.ts'

export function lossesOf(request: ChatRequest): (target: LiveTarget) => Loss[] {
  const written = new Map<DialectName, WrittenRequest>()
  return target => {
    const { dialect } = target.provider
    const translates = dialect !== request.dialect
    if (!translates && target.parameters === null) return []
    let as = written.get(dialect)
    if (as === undefined) {
      as = dialectNamed(dialect)?.request.write(request, '', target.target.capability) ?? { body: {}, losses: [] }
      written.set(dialect, as)
    }
    const refused = target.parameters === null ? [] : fitTo(as.body, target.parameters).losses
    return translates ? [...as.losses, ...refused] : refused
  }
}
