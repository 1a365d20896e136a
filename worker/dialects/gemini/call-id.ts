/**
 * The ids of calls. This format may leave them out and match results to calls by name and order; every other one answers a call by
 * its id. One that is left out is made up, unlike any other in the conversation, as some formats refuse a second one of the
 * same name.
 */
import type { Json } from '../../schema/chat.ts'

export type CallIds = {
  /** The id of a call, given or made up. */
  call(name: string, given: Json | undefined): string
  /** The id of the call that a result answers: where none is given, the first call of that name that has no result yet. */
  answer(name: string, given: Json | undefined): string
}

/** `of` is what sets these ids apart from those of other answers: the answer's own id, where it has one. */
export function callIds(of: string): CallIds {
  const unlike = of.replaceAll(/[^A-Za-z0-9_-]/g, '').slice(0, 40)
  const waiting: { name: string; id: string }[] = []
  let made = 0
  return {
    call(name, given) {
      const id = typeof given === 'string' && given !== '' ? given : `call_${unlike === '' ? '' : `${unlike}_`}${made++}`
      waiting.push({ name, id })
      return id
    },
    answer(name, given) {
      const is_given = typeof given === 'string' && given !== ''
      const at = waiting.findIndex(call => (is_given ? call.id === given : call.name === name))
      const id = waiting[at]?.id
      if (at >= 0) waiting.splice(at, 1)
      return is_given ? given : (id ?? name)
    },
  }
}
