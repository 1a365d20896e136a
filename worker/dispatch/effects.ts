/**
 * What the world does to us: the clock, chance, waiting and the network. They are parameters everywhere below the rim, so
 * that the simulation is nothing but another world.
 */
import type { Provider } from '../schema/catalogue.ts'
import type { DecisionId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

export type Effects = {
  nowMs(): Ms
  /** Uniform in [0, 1). */
  draw(): number
  newDecisionId(): DecisionId
  /** Resolves after the wait, or rejects with the signal's reason. */
  sleep(wait_ms: Ms, signal?: AbortSignal): Promise<void>
  /** Calls back after the wait, unless the function it gives is called before. For what mostly does not come: deadlines. */
  after(wait_ms: Ms, callback: () => void): () => void
  /** The only way out. Never follows redirects. Rejects as `fetch` does where there is no response. */
  fetch(transport: Provider['transport'], url: string, init: RequestInit): Promise<Response>
}
