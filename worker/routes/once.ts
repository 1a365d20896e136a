/**
 * `Idempotency-Key`: a request that its caller may send again is done once (draft-ietf-httpapi-idempotency-key-header-07, sections 2.1,
 * 2.6 and 2.7; the word is taken with the quotes of a structured field and, as nearly every client sends it, without).
 *
 * The same key, sent again with the same body: while the first is under way, 409 and when to come back, after a moment's wait; once it was answered, the same
 * answer where the policy keeps them, else 409 with its decision's id. With another body: 422. A request that failed, broke off or whose caller
 * left before the answer was whole has not been done, and its key is free. Whoever sends no such header pays for none of this.
 */
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Ended } from '../dispatch/dispatch.ts'
import type { Context, Deps } from '../env.ts'
import type { DecisionId } from '../schema/ids.ts'
import type { Idempotency } from '../schema/policy.ts'
import type { Ms } from '../schema/units.ts'
import type { BudgetAnswer, Intent, Once, Settlement } from '../schema/usage.ts'
import { type Claim, claimOf, type KeptAnswer } from '../store/repeats.ts'
import type { Durable } from '../store/usage.ts'

const HEADER = 'idempotency-key'
/** Clients send UUIDs; this is what the largest APIs that know the header take. */
const WORD = /^[\x21-\x7e]{1,255}$/

/** Null where the caller sends none. */
export function idempotencyKeyIn(headers: Headers): Result<string | null, GatewayError> {
  const sent = headers.get(HEADER)
  if (sent === null) return NONE
  const word = sent.length > 2 && sent.startsWith('"') && sent.endsWith('"') ? sent.slice(1, -1) : sent
  if (WORD.test(word)) return ok(word)
  const message = 'idempotency-key: must be 1 to 255 visible ASCII characters without spaces, such as a UUID, once.'
  return err({ code: 'invalid_request', param: HEADER, message })
}
const NONE = ok(null)

/** One request that is to be done once. */
export type Repeatable = {
  /** For the intent. */
  mark: Once
  /** The answer that was given before, again; null where it is not to be had any more. */
  again(decision_id: DecisionId): Promise<Response | null>
  /** Takes pieces of a stream as they leave; absent where answers are not kept. */
  copy?: (bytes: Uint8Array) => void
  /** Told what leaves, before it ends. */
  leaves(body: BodyInit | null, headers: Record<string, string>): void
  /** Writes the settlement, behind what is kept. */
  settle(settlement: Settlement, ended: Ended, ctx: Context): void
}

/**
 * A settlement follows its answer within some hundredths of a second, and a client may be quicker with its next request. So who comes while the first
 * seems under way is asked for again, for half a second in all, before it is told so.
 */
const ASK_AGAIN_MS: Ms[] = [30, 60, 120, 240]

/** Instead of `deps.intend`, for a request that is to be done once. */
export function intendOnce(intent: Intent, gone: AbortSignal, deps: Pick<Deps, 'intend' | 'effects'>, ctx: Context): Durable {
  const ask = async (): Promise<BudgetAnswer> => {
    for (const wait_ms of ASK_AGAIN_MS) {
      const answer = await deps.intend(intent, ctx)()
      if (answer.ok || answer.code !== 'repeated' || answer.of !== 'under_way' || gone.aborted) return answer
      await deps.effects.sleep(wait_ms)
    }
    return deps.intend(intent, ctx)()
  }
  let answer: Promise<BudgetAnswer> | null = null
  return () => {
    answer ??= ask()
    return answer
  }
}

/** `copy`: of the request, whose body was read once and so is within its bounds. Null where the policy knows no such thing. */
export async function repeatable(
  word: string,
  copy: Request,
  caller: Pick<Claim, 'org' | 'key_id'>,
  path: string,
  { for_ms, keep_answers, answer_at_most_bytes }: Idempotency,
  deps: Deps,
): Promise<Repeatable | null> {
  if (for_ms === 0) return null
  const claim = await claimOf(word, caller, path, new Uint8Array(await copy.arrayBuffer()))
  const kept = keep_answers ? keeper(answer_at_most_bytes) : null
  return {
    mark: { name: claim.name, fingerprint: claim.fingerprint, for_ms },
    async again(decision_id) {
      const answer = await deps.repeats.kept(claim, decision_id)
      return (
        answer && new Response(answer.body as BodyInit, { status: 200, headers: { ...answer.headers, 'x-signalbox-replayed': 'true' } })
      )
    },
    ...(kept && { copy: kept.take }),
    leaves: (body, headers) => kept?.leaves(body, headers),
    settle(settlement, ended, ctx) {
      const write = (answered: boolean) => deps.settle(answered ? { ...settlement, answered } : settlement, ctx)
      const completed = ended.outcome === 'completed'
      const answer = completed || ended.outcome === 'caller_left' ? (kept?.answer(completed) ?? null) : null
      if (answer === null) write(completed)
      else ctx.waitUntil(deps.repeats.keep(claim, settlement.decision_id, answer).then(is_kept => write(completed || is_kept)))
    },
  }
}

/** An answer on its way, up to so many bytes; beyond, nothing of it. */
function keeper(bytes_at_most: number) {
  let pieces: Uint8Array[] | null = []
  let length = 0
  let headers: Record<string, string> = {}
  let is_whole = false
  /** Copied: whoever wrote it may write into it again. */
  const take = (bytes: Uint8Array): void => {
    length += bytes.byteLength
    if (length > bytes_at_most) pieces = null
    pieces?.push(bytes.slice())
  }
  return {
    take,
    leaves(body: BodyInit | null, sent: Record<string, string>): void {
      headers = Object.fromEntries(Object.entries(sent).filter(([name]) => GIVEN_AGAIN.test(name)))
      if (body instanceof ReadableStream) return
      is_whole = true
      if (typeof body === 'string') take(new TextEncoder().encode(body))
      else if (body instanceof Uint8Array) take(body)
      else if (body !== null) pieces = null
    },
    /** A whole answer is there though its caller left; of a stream that one left there is a part. */
    answer(completed: boolean): KeptAnswer | null {
      if (pieces === null || !(completed || is_whole)) return null
      const body = new Uint8Array(length)
      let at = 0
      for (const piece of pieces) {
        body.set(piece, at)
        at += piece.byteLength
      }
      return { headers, body }
    },
  }
}

/** What it is and how it was decided; how much is left of limits was true then. */
const GIVEN_AGAIN = /^(content-type|cache-control|x-content-type-options|x-signalbox-(?!warning).*)$/
