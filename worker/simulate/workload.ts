/**
 * Who asks: how many requests a second, over how many isolates, of which tenants. Isolates are as unevenly busy as an edge has
 * them: a request goes to a random one.
 */
export type Workload = {
  name: string
  isolates: number
  rps: number
  tenants: number
  /** Share of requests from one more tenant, every one of which breaks whatever target it meets. */
  poison: number
  /** Length of an answer. */
  tokens: number
  duration_ms: number
  /** One way to the object, and the share of its reports that are lost. */
  object_ms: number
  object_loss: number
}

const usual: Workload = {
  name: 'usual',
  isolates: 20,
  rps: 20,
  tenants: 10,
  poison: 0,
  tokens: 100,
  duration_ms: 300_000,
  object_ms: 20,
  object_loss: 0,
}

export const WORKLOADS: Record<string, Workload> = {
  usual,
  wide: { ...usual, name: 'wide', isolates: 200 },
  busy: { ...usual, name: 'busy', isolates: 200, rps: 200 },
  quiet: { ...usual, name: 'quiet', isolates: 5, rps: 2 },
  poison: { ...usual, name: 'poison', poison: 0.2 },
  far: { ...usual, name: 'far', isolates: 200, object_ms: 60 },
  lossy: { ...usual, name: 'lossy', object_ms: 150, object_loss: 0.1 },
}
