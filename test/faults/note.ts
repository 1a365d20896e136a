/**
 * A row of the fault catalogue as one named test, and what came of it as a note on the test, from which `npm run faults` makes
 * RESULTS.md. A row that runs nowhere is missing there, and the run fails.
 */
import { it } from 'vitest'

/** `worker`: the whole router and an upstream that misbehaves · `dispatch`: the real dispatch in virtual time · `pure`: values in, values out · `simulation`: an edge in one process. */
export type Where = 'worker' | 'workerd' | 'dispatch' | 'pure' | 'simulation'
export type Note = { id: string; fault: string; expected: string; where: Where; seen: string }

declare module 'vitest' {
  interface TaskMeta {
    note?: Note
  }
}

/** `check` says what was seen, in a few words. */
export function row(
  id: string,
  where: Where,
  fault: string,
  expected: string,
  check: () => string | Promise<string>,
  timeout_ms = 20_000,
): void {
  it(
    `${id} ${fault}: ${expected}`,
    async ({ task }) => {
      task.meta.note = { id, fault, expected, where, seen: 'failed' }
      task.meta.note.seen = await check()
    },
    timeout_ms,
  )
}
