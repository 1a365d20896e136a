/**
 * The first half of the fault table, against the whole router. `npm run faults` runs it with the deadlines that operators get,
 * beside the rest of the catalogue, and writes what came of all of it to RESULTS.md.
 */
import { describe, expect } from 'vitest'
import { row } from './note.ts'
import { ROWS } from './rows.ts'
import { ROWS_OPEN } from './rows-open.ts'
import { table } from './table.ts'
import { events, ROLE, silence, tokens } from './upstream.ts'

/** What a caller does has no row: its target has a policy of its own, so patient that only the caller can end a call. */
const LEAVING = 'f73'
const PATIENT = {
  name: 'patient',
  objective: { quality: 1 },
  targets: [`vllm/${LEAVING}`],
  limits: { headers_ms: 60_000, first_token_ms: 60_000, idle_ms: 60_000, total_ms: 60_000, open_after_ms: 300, keep_alive_ms: 300 },
}

const house = table([...ROWS, ...ROWS_OPEN], {
  models: [LEAVING],
  policies: { patient: PATIENT },
  urls: async () => ({
    OLLAMA_URL: 'http://signalbox-test.invalid/v1',
    // Nothing listens there; the port is the one for discarding, which no test opens.
    LMSTUDIO_URL: 'http://127.0.0.1:9/v1',
  }),
})

describe('a caller who hangs up in the middle of an answer', () => {
  // A closed connection looks like a half-closed one, on which an answer is still wanted, until the next byte cannot be
  // delivered. So a token has to follow; what a call that is silent does on a reset connection is told in test/dispatch.
  row(
    'F73-MID',
    'worker',
    'the caller hangs up in the middle of an answer',
    'the call to the target goes with the next token',
    async () => {
      const { first, post } = house
      first.does(LEAVING, events(ROLE, ...tokens(200).flatMap(each => [each, { wait_ms: 100 }])))
      const leaves = new AbortController()
      const reply = await post('policy/patient', true, leaves.signal)
      await reply.body?.getReader().read()
      leaves.abort()
      await expect.poll(() => first.of(LEAVING).at(-1)?.hung_up_after_ms ?? null, { timeout: 10_000 }).not.toBeNull()
      return `closed after ${first.of(LEAVING).at(-1)?.hung_up_after_ms} ms`
    },
  )
})

describe('a caller who hangs up before anybody has begun to answer', () => {
  row(
    'F73-WAITING',
    'worker',
    'the caller hangs up while the stream is open and nobody answers',
    'the call to the target goes with the next comment',
    async () => {
      const { first, post } = house
      first.does(LEAVING, silence)
      const leaves = new AbortController()
      const reply = await post('policy/patient', true, leaves.signal)
      const { value } = (await reply.body?.getReader().read()) ?? {}
      expect(new TextDecoder().decode(value)).toBe(': keep-alive\n\n')
      leaves.abort()
      await expect.poll(() => first.of(LEAVING).at(-1)?.hung_up_after_ms ?? null, { timeout: 10_000 }).not.toBeNull()
      return `closed after ${first.of(LEAVING).at(-1)?.hung_up_after_ms} ms`
    },
  )
})
