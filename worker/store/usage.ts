/**
 * An isolate's side of usage: group commit. A call to a usage object with one row costs as much as the whole rest of a
 * request, and with fifty rows hardly more; so requests that run at the same time share a call. An intent waits for company
 * until somebody's target has answered and the answer may not leave before it is durable, or for `COMPANY_MS`, a fraction of
 * the time that targets take; then everyone who waits goes together. Settlements hurry nobody: they ride along with the next
 * intent, or go on their own after a short wait.
 *
 * The platform ties a call to the request it was made from. So each flight is flown by one of the requests that wait; the
 * others look now and then, each by a timer of its own, whether their answer is there or the next flight is theirs. If the
 * pilot's request dies without a word, its passengers fly themselves. Saying anything twice is harmless: the object knows
 * each decision id.
 *
 * Rejected: that the pilot resolves promises which the others await. workerd has a way to continue the other request then,
 * but only until V8 optimizes the code that makes those promises; after some 30,000 requests the others went on inside the
 * pilot's request, and every one of them failed (workerd 1.20261023, measured; never with `--no-opt`).
 */
import type { DecisionId, OrgId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { BudgetAnswer, Intent, Settlement } from '../schema/usage.ts'
import { type IntentEntry, intentEntry, type SettlementEntry, settlementEntry } from './usage-batch.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }

/** An intent waits this long for a word, twice; a healthy object answers in milliseconds. Storage may hang for 30 s. */
export const FLIGHT_LIMIT_MS: Ms = 2_000
/** Passengers look for their answer when a flight should have landed by experience, and at least this often. */
const LOOK_AT_LEAST_EVERY_MS: Ms = 50
/** The longest that an intent waits for company. A target's first token takes ten times as long, so that no caller waits for it. */
export const COMPANY_MS: Ms = 25
/**
 * A busy isolate's pilot waits this long though it is asked to go at once: where flights lately carry more than `COMPANY`,
 * the next few requests are a millisecond away, and a flight for each of them costs them all more than the wait.
 */
const GATHER_MS: Ms = 3
const COMPANY = 1.5
/** Waits of a settlement that no intent takes along, and of the tries after one that failed. */
const SETTLE_AFTER_MS: Ms[] = [30, 300, 1_500, 5_000]
const [SETTLE_SOON_MS = 0] = SETTLE_AFTER_MS
/** The platform cuts off after 30 s who sees to others when its own request is over; before that, somebody else may. */
const LOOKS_AT_MOST = 30
const MINDED_FLIGHTS = 10
/** A flight of this many rows stays well below a millisecond a row, and far from the 32 MB that a call may carry. */
const ROWS_AT_ONCE = 200
/** Settlements kept for an object that does not answer; beyond, the oldest are left to become orphan rows. */
const SETTLEMENTS_KEPT = 5_000
/** Intents kept whose storing was not confirmed, so that their settlement can take them along. */
const UNSURE_KEPT = 200

/** No durable intent, so no answer may leave: the caller gets 503 `accounting_unavailable`. */
export class AccountingUnavailable extends Error {
  override name = 'AccountingUnavailable'
}

type Passenger = {
  intent: IntentEntry
  came_at_ms: Ms
  tries: number
  /** After a flight that the object refused as a whole, each flies alone, so that one bad row costs one request. */
  alone: boolean
  outcome: { answer: BudgetAnswer } | { error: AccountingUnavailable } | null
}

/** `settlements` are on board until it has landed, and go back to the queue when it is lost. */
type Flight = { landing_at_ms: Ms; lost_at_ms: Ms; settlements: SettlementEntry[] }

type Queue = {
  passengers: Passenger[]
  settlements: SettlementEntry[]
  /** When the first of `settlements` came. */
  settling_since_ms: Ms
  /** Intents that were sent, or not yet, and have no answer. */
  unsure: Map<DecisionId, IntentEntry>
  flight: Flight | null
  /** How long a flight lately takes, and how many intents it lately carries. */
  usual_ms: Ms
  usual_company: number
  /** Somebody sees to it that those who wait leave by then. */
  departs_at_ms: Ms | null
  /** Somebody sees to the settlements until then. */
  minded_until_ms: Ms
}

/** One per organisation with something under way in this isolate; removed when empty. */
const queues = new Map<OrgId, Queue>()

/**
 * The answer, asked for when it is needed: that ends the wait for company. Resolves when the intent is durable, or refused by
 * a hard budget. Rejects with `AccountingUnavailable` where the object could not be reached in two tries.
 */
export type Durable = () => Promise<BudgetAnswer>

/** Sets the intent on its way. It goes on when the caller leaves, since others may depend on it. */
export function intend(env: Pick<Env, 'USAGE'>, ctx: Context, intent: Intent): Durable {
  const queue = queueOf(intent.org)
  const entry = intentEntry(intent)
  const now_ms = Date.now()
  const passenger: Passenger = { intent: entry, came_at_ms: now_ms, tries: 0, alone: false, outcome: null }
  queue.passengers.push(passenger)
  queue.unsure.set(entry.decision_id, entry)
  if (queue.departs_at_ms === null || now_ms > queue.departs_at_ms + FLIGHT_LIMIT_MS) {
    queue.departs_at_ms = now_ms + COMPANY_MS
    ctx.waitUntil(depart(env, intent.org, queue))
  }
  let answer: Promise<BudgetAnswer> | null = null
  return () => {
    if (answer === null) {
      answer = travel(env, intent.org, queue, passenger)
      // A rejection is for the one who asked; here it only must not count as unhandled.
      ctx.waitUntil(answer.catch(() => undefined))
    }
    return answer
  }
}

/**
 * Sees to it that those who wait leave in time, whether anybody has asked or not. While requests come, flights leave before: who is
 * here then has just come, and gets its time too.
 */
async function depart(env: Pick<Env, 'USAGE'>, org: OrgId, queue: Queue): Promise<void> {
  await scheduler.wait(COMPANY_MS)
  await rest(queue, LOOKS_AT_MOST, now_ms => {
    const [first] = queue.passengers
    return first === undefined ? 0 : first.came_at_ms + COMPANY_MS - now_ms
  })
  queue.departs_at_ms = null
  if (queue.passengers.length) await fly(env, org, queue, null)
}

/** Until no flight is in the air and nothing is left of the wait, and for so many looks. */
async function rest(queue: Queue, looks_at_most: number, leftMs: (now_ms: Ms) => Ms): Promise<void> {
  for (let looks = 0; looks < looks_at_most || queue.flight; looks++) {
    const now_ms = Date.now()
    giveUpLost(queue, now_ms)
    const left_ms = leftMs(now_ms)
    if (left_ms <= 0 && !queue.flight) return
    await scheduler.wait(Math.max(left_ms, queue.flight ? untilNextLook(queue.flight, now_ms) : 0))
  }
}

/** Never fails and need not be awaited. What cannot be delivered becomes an orphan row in the end. */
export function settle(env: Pick<Env, 'USAGE'>, ctx: Context, settlement: Settlement): void {
  const queue = queueOf(settlement.org)
  const now_ms = Date.now()
  if (!queue.settlements.length) queue.settling_since_ms = now_ms
  queue.settlements.push(settlementEntry(settlement))
  if (queue.settlements.length > SETTLEMENTS_KEPT) queue.settlements.shift()
  if (queue.minded_until_ms > now_ms) return
  queue.minded_until_ms = now_ms + SETTLE_AFTER_MS.reduce((sum, wait_ms) => sum + wait_ms + FLIGHT_LIMIT_MS, 0)
  ctx.waitUntil(mind(env, settlement.org, queue))
}

/** From the queue to an answer, in the passenger's own request. */
async function travel(env: Pick<Env, 'USAGE'>, org: OrgId, queue: Queue, passenger: Passenger): Promise<BudgetAnswer> {
  const started_at_ms = Date.now()
  for (;;) {
    const now_ms = Date.now()
    giveUpLost(queue, now_ms)
    if (passenger.outcome) {
      if ('answer' in passenger.outcome) return passenger.outcome.answer
      throw passenger.outcome.error
    }
    const waiting = queue.passengers.includes(passenger)
    if (now_ms - started_at_ms >= 2 * FLIGHT_LIMIT_MS) {
      if (waiting) queue.passengers.splice(queue.passengers.indexOf(passenger), 1)
      throw new AccountingUnavailable('no answer from the usage object in two tries')
    }
    if (queue.flight) {
      await scheduler.wait(untilNextLook(queue.flight, now_ms))
      continue
    }
    // On board of a flight that is lost: whoever notices takes the next, with everyone who waits.
    if (!waiting) queue.passengers.unshift(passenger)
    await fly(env, org, queue, passenger)
  }
}

/** Until it should have landed; after that first often and then less so, for half as long as it is late. */
function untilNextLook({ landing_at_ms }: Flight, now_ms: Ms): Ms {
  return Math.min(LOOK_AT_LEAST_EVERY_MS, Math.max(1, landing_at_ms - now_ms, (now_ms - landing_at_ms) / 2))
}

function giveUpLost(queue: Queue, now_ms: Ms): void {
  if (!queue.flight || now_ms < queue.flight.lost_at_ms) return
  queue.settlements.unshift(...queue.flight.settlements)
  queue.flight = null
}

/** One call, from the request this runs in, with all that waits. Leaves everyone who was on board an outcome. False where it was lost. */
async function fly(env: Pick<Env, 'USAGE'>, org: OrgId, queue: Queue, pilot: Passenger | null): Promise<boolean> {
  const started_at_ms = Date.now()
  const gather_ms = pilot && queue.usual_company > COMPANY ? GATHER_MS : 0
  const flight: Flight = {
    landing_at_ms: started_at_ms + gather_ms + Math.ceil(queue.usual_ms),
    lost_at_ms: started_at_ms + FLIGHT_LIMIT_MS,
    settlements: [],
  }
  queue.flight = flight
  if (gather_ms) await scheduler.wait(gather_ms)
  const passengers = board(queue, pilot)
  const settlements = pilot?.alone ? [] : queue.settlements.splice(0, ROWS_AT_ONCE)
  flight.settlements = settlements
  const departed_at_ms = Date.now()
  const intents = passengers.map(passenger => passenger.intent)
  for (const { decision_id } of settlements) {
    const intent = queue.unsure.get(decision_id)
    if (intent && !intents.includes(intent)) intents.push(intent)
  }
  let landed = true
  try {
    // A stub that has seen an exception may stay broken, so each flight has its own.
    const answers = await inTime(env.USAGE.getByName(org).commit({ v: 1, org, intents, settlements }))
    intents.forEach((intent, index) => {
      queue.unsure.delete(intent.decision_id)
      const answer = answers[index]
      const passenger = passengers[index]
      if (passenger && answer) passenger.outcome = { answer }
    })
  } catch (error) {
    landed = false
    // Those of a flight that was given up on are back already.
    if (queue.flight === flight) queue.settlements.unshift(...settlements)
    for (const passenger of passengers) afterCrash(queue, passenger, error, passengers.length > 1)
  }
  // A pilot who was given up on does not end the flight of another.
  if (queue.flight === flight) queue.flight = null
  queue.usual_ms += (Math.min(LOOK_AT_LEAST_EVERY_MS, Date.now() - departed_at_ms) - queue.usual_ms) / 8
  queue.usual_company += (passengers.length - queue.usual_company) / 4
  tidy(org, queue)
  return landed
}

/** The pilot, and whoever waits with it. */
function board(queue: Queue, pilot: Passenger | null): Passenger[] {
  if (pilot?.alone) {
    queue.passengers = queue.passengers.filter(passenger => passenger !== pilot)
    return [pilot]
  }
  const together = queue.passengers.filter(passenger => !passenger.alone).slice(0, ROWS_AT_ONCE)
  if (pilot && together.length && !together.includes(pilot)) together[together.length - 1] = pilot
  const boarded = new Set(together)
  queue.passengers = queue.passengers.filter(passenger => !boarded.has(passenger))
  return together
}

/** One more try, on another stub: unless the object said that it has too much to do, which more calls would only make worse. */
function afterCrash(queue: Queue, passenger: Passenger, error: unknown, hadCompany: boolean): void {
  passenger.tries += 1
  const { overloaded, retryable } = error as { overloaded?: boolean; retryable?: boolean }
  const again = !overloaded && passenger.tries < 2 && (retryable || hadCompany || error instanceof Late)
  if (!again) {
    passenger.outcome = { error: new AccountingUnavailable(String(error)) }
    return
  }
  passenger.alone = !retryable && !(error instanceof Late)
  queue.passengers.push(passenger)
}

/**
 * Sees to it that settlements go, when no intent takes them along. While requests come, what is here after the wait has just come
 * itself, and the next intent takes it: a call for it alone would cost as much as one of theirs.
 */
async function mind(env: Pick<Env, 'USAGE'>, org: OrgId, queue: Queue): Promise<void> {
  const leftMs = (now_ms: Ms) => (queue.settlements.length ? queue.settling_since_ms + SETTLE_SOON_MS - now_ms : 0)
  let failed = 0
  for (let flights = 0; flights < MINDED_FLIGHTS; flights++) {
    const wait_ms = SETTLE_AFTER_MS[failed]
    if (wait_ms === undefined) break
    await scheduler.wait(wait_ms)
    await rest(queue, LOOKS_AT_MOST, leftMs)
    if (!queue.settlements.length) break
    failed = (await fly(env, org, queue, null)) ? 0 : failed + 1
  }
  queue.minded_until_ms = 0
  tidy(org, queue)
}

class Late extends Error {}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late('no answer in time')), FLIGHT_LIMIT_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function queueOf(org: OrgId): Queue {
  let queue = queues.get(org)
  if (!queue) {
    queue = {
      passengers: [],
      settlements: [],
      settling_since_ms: 0,
      unsure: new Map(),
      flight: null,
      usual_ms: 1,
      usual_company: 1,
      departs_at_ms: null,
      minded_until_ms: 0,
    }
    queues.set(org, queue)
  }
  return queue
}

function tidy(org: OrgId, queue: Queue): void {
  while (queue.unsure.size > UNSURE_KEPT) queue.unsure.delete(queue.unsure.keys().next().value ?? '')
  const empty = !queue.passengers.length && !queue.settlements.length && !queue.unsure.size
  if (empty && !queue.flight && !queue.minded_until_ms && queue.departs_at_ms === null && queues.get(org) === queue) queues.delete(org)
}
