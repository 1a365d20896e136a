/**
 * One text of KV as an isolate keeps it: read now and then, made into something useful, and the last good one kept for as
 * long as it takes. A text that cannot be used raises an alarm and changes nothing else; so does a KV that does not answer.
 */
import type { Result } from '../core/result.ts'
import type { Ms } from '../schema/units.ts'
import type { Alarm } from './alarm.ts'

export type Problem = { message: string; line: number | null }

export type KeptText<T> = {
  /** The last good one; null where there never was one. */
  value(): T | null
  /** How long ago KV was last asked, successfully or not; Infinity where it never was. */
  age_ms(now_ms: Ms): Ms
  /** Asks KV, unless somebody does so at this moment. Never rejects. */
  refresh(now_ms: Ms): Promise<void>
  alarms(): Alarm[]
}

/** An isolate whose read has not come back by then asks again: the request that asked may be gone. */
const READ_LIMIT_MS: Ms = 5_000

/** `make` turns a text (null where KV has none) into a value; null from it means that there is to be none. */
export function keptText<T>(kv: KVNamespace, key: string, make: (text: string | null) => Promise<Result<T | null, Problem>>): KeptText<T> {
  let value: T | null = null
  let seen: string | null | undefined
  let asked_at_ms: Ms = Number.NEGATIVE_INFINITY
  let reading: { promise: Promise<void>; until_ms: Ms } | null = null
  let unusable: Alarm | null = null
  let silent: Alarm | null = null

  async function read(now_ms: Ms): Promise<void> {
    let text: string | null
    try {
      text = await kv.get(key)
      silent = null
    } catch {
      // What KV says then helps nobody; that it fails, and since when, does.
      silent ??= { about: key, message: 'KV does not answer; the last good text is used.', line: null, since_ms: now_ms }
      text = seen ?? null
    }
    asked_at_ms = now_ms
    if (text !== seen) {
      const made = await make(text)
      if (made.ok) value = made.value
      unusable = made.ok ? null : { about: key, ...made.error, since_ms: now_ms }
      if (!silent) seen = text
    }
  }

  return {
    value: () => value,
    age_ms: now_ms => now_ms - asked_at_ms,
    refresh(now_ms) {
      if (reading && now_ms < reading.until_ms) return reading.promise
      const promise = read(now_ms).finally(() => {
        if (reading?.promise === promise) reading = null
      })
      reading = { promise, until_ms: now_ms + READ_LIMIT_MS }
      return promise
    },
    alarms: () => [unusable, silent].filter(alarm => alarm !== null),
  }
}

/** Waits for a refresh no longer than this; what comes later is there for the next request. */
export async function atMost(limit_ms: Ms, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const enough = new Promise<void>(resolve => {
    timer = setTimeout(resolve, limit_ms)
  })
  await Promise.race([work, enough])
  clearTimeout(timer)
}
