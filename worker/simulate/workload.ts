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
  /** Over how many regions, each with an object of its own, and over how many data centres in each; 0: none of these keeps a cache. */
  regions: number
  colos: number
  /** One way to the object, and the share of messages that are lost. */
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
  regions: 1,
  colos: 2,
  object_ms: 20,
  object_loss: 0,
}

export const WORKLOADS: Record<string, Workload> = {
  usual,
  wide: { ...usual, name: 'wide', isolates: 200, colos: 10 },
  busy: { ...usual, name: 'busy', isolates: 200, rps: 200, colos: 10 },
  quiet: { ...usual, name: 'quiet', isolates: 5, rps: 2 },
  poison: { ...usual, name: 'poison', poison: 0.2 },
  far: { ...usual, name: 'far', isolates: 200, colos: 10, object_ms: 60 },
  lossy: { ...usual, name: 'lossy', object_ms: 150, object_loss: 0.1 },
  /** More callers than one object takes: relays stand before it. */
  crowd: { ...usual, name: 'crowd', isolates: 2_000, rps: 2_000, colos: 40, duration_ms: 240_000 },
  /** Three regions, each with as much as the usual one. */
  regions: { ...usual, name: 'regions', isolates: 60, rps: 60, colos: 6, regions: 3 },
}
