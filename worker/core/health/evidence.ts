/**
 * What an attempt's end says about its target. Most ends say nothing: a rate limit, a refused credential, a bad request or
 * a caller who left are no faults of the target, and a gate that opened on them would let one caller take a target from all.
 */
import type { OutcomeClass } from '../../schema/health.ts'

/** `ok`: it works · `failure`: it does not, as surely as `weight` says (0..1) · `none`: says nothing of its health. */
export type Evidence = { says: 'ok' | 'none'; weight: 0 } | { says: 'failure'; weight: number }

const OK: Evidence = { says: 'ok', weight: 0 }
const NONE: Evidence = { says: 'none', weight: 0 }
const FAILURE: Evidence = { says: 'failure', weight: 1 }

export const EVIDENCE: Record<OutcomeClass, Evidence> = {
  ok: OK,
  connection: FAILURE,
  server: FAILURE,
  /** Told while the request still hangs; taken back if it is answered after all. */
  late: FAILURE,
  timeout: FAILURE,
  truncated: FAILURE,
  /** An empty answer is as often the request's doing as the target's, so three of them weigh as one. */
  garbage: { says: 'failure', weight: 0.35 },
  /** The model is not there: our own catalogue is wrong, and every request would find out anew. */
  gone: FAILURE,
  rate: NONE,
  auth: NONE,
  client: NONE,
  cancelled: NONE,
}
