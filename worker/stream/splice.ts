/**
 * Where two halves of an answer meet: what was sent, and what another target says of it. Only the text behind the seam goes out,
 * each character once.
 *
 * `replay`: the other target began anew. What it says is swallowed as long as it is, letter for letter, what was sent; the
 * first letter that differs ends it, as nobody may be told two beginnings.
 *
 * `continuation`: the other target was shown what was sent and goes on behind it. It may all the same begin by saying that again, whole
 * or its last words; that is taken out. A repetition counts from `OVERLAP_LEAST` characters on: fewer are an accident of language.
 * And a text that repeats itself where it was cut may well go on repeating: there nothing is taken out.
 *
 * Formats refuse a beginning that ends in white space, so it is shown without, and the first white space that comes back is what
 * was already sent.
 */

/** Shorter than this is no proof that something was said again: "of the " follows "of the " now and then. */
const OVERLAP_LEAST = 16
/** More than some two sentences are not said again, unless all of it is. */
const OVERLAP_MOST = 200

export type Seam = {
  /** What of this piece the caller is to be sent. */
  text(piece: string): string
  /** No more text comes: what was held back until now. */
  end(): string
  /** What was said cannot follow what was sent. */
  readonly diverged: boolean
}

/** What a target is shown of the beginning. */
export const shown = (sent: string): string => sent.trimEnd()

export function replay(sent: string): Seam {
  let at = 0
  let diverged = false
  return {
    text(piece) {
      if (diverged) return ''
      const again = Math.min(piece.length, sent.length - at)
      if (!sent.startsWith(piece.slice(0, again), at)) {
        diverged = true
        return ''
      }
      at += again
      return piece.slice(again)
    },
    end() {
      if (at < sent.length) diverged = true
      return ''
    },
    get diverged() {
      return diverged
    },
  }
}

export function continuation(sent: string): Seam {
  const beginning = shown(sent)
  const tail = beginning.slice(-OVERLAP_MOST)
  /** White space that was sent and not shown. */
  let owed = sent.slice(beginning.length)
  /** Until it is known how much of it was said before. */
  let held: string | null = ''

  const pay = (text: string): string => {
    let paid = 0
    while (paid < owed.length && paid < text.length && text[paid] === owed[paid]) paid++
    owed = paid === text.length ? owed.slice(paid) : ''
    return text.slice(paid)
  }
  const letGo = (text: string): string => {
    held = null
    return pay(text.slice(saidBefore(text)))
  }
  const saidBefore = (text: string): number => {
    if (beginning.length >= OVERLAP_LEAST && text.startsWith(beginning)) return beginning.length
    for (let length = Math.min(tail.length, text.length); length >= OVERLAP_LEAST; length--) {
      const again = text.slice(0, length)
      if (tail.endsWith(again)) return beginning.endsWith(again + again) ? 0 : length
    }
    return 0
  }
  return {
    text(piece) {
      if (held === null) return pay(piece)
      held += piece
      const is_open = held.length < beginning.length ? beginning.startsWith(held) || tail.includes(held) : false
      return is_open ? '' : letGo(held)
    },
    end: () => (held === null ? '' : letGo(held)),
    diverged: false,
  }
}
