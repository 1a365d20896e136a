/**
 * What a request loses on the way to a target: by being written in another dialect, and by fields that this target refuses.
 * Asked of the chosen target, or of all where nothing may be lost; the request is written once a dialect, and only when asked.
 */
import { fitTo } from '../core/decide/parameters.ts'
import type { LiveTarget } from '../core/decide/world.ts'
import type { ChatRequest, DialectName, Loss } from '../schema/chat.ts'
import type { LossCount } from '../schema/usage.ts'
import { lostBetas } from './betas.ts'
import type { WrittenRequest } from './dialect.ts'
import { dialectNamed } from './dialects.ts'

/** A body can hold unknown fields by the hundred thousand, each of them a loss that the decision would have to carry. */
const LOSSES_AT_MOST = 100

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
    return bounded(translates ? [...as.losses, ...lostBetas(request), ...refused] : refused)
  }
}

function bounded(losses: Loss[]): Loss[] {
  if (losses.length <= LOSSES_AT_MOST) return losses
  const more = losses.length - LOSSES_AT_MOST
  return [...losses.slice(0, LOSSES_AT_MOST), { field: '...', how: 'dropped', note: `and ${more} more` }]
}

/** A request can name unknown fields by the thousand, each a loss; so many kinds of them are told apart in its row. */
const KINDS_AT_MOST = 40
/** A field's name may be the caller's own word, of any length. */
const FIELD_CHARS = 120

const NONE: LossCount[] = []
const WORST_FIRST: Loss['how'][] = ['dropped', 'approximated', 'emulated']

/** For the request's row: losses there and back by kind, the worst way in which each was met. */
export function lossCounts(there: Loss[], back: Loss[]): LossCount[] {
  if (there.length === 0 && back.length === 0) return NONE
  const kinds = new Map<string, LossCount>()
  for (const { field, how, note } of [...there, ...back]) {
    const loss = field.slice(0, FIELD_CHARS).replace(/\[\d+\]/g, '[]')
    const known = kinds.get(loss)
    if (known === undefined) {
      if (kinds.size < KINDS_AT_MOST)
        kinds.set(loss, { loss, how, count: 1, field: field.slice(0, FIELD_CHARS), ...(note !== undefined && { note }) })
      continue
    }
    known.count++
    if (WORST_FIRST.indexOf(how) < WORST_FIRST.indexOf(known.how)) known.how = how
  }
  return [...kinds.values()]
}
