/**
 * What the platform has and Node lacks. A TransformStream without functions is an IdentityTransformStream for what the pump
 * relies on: a write waits until it is read, and fails once the reader has gone.
 */
class StandIn extends TransformStream<Uint8Array, Uint8Array> {}
if (!('IdentityTransformStream' in globalThis)) Object.assign(globalThis, { IdentityTransformStream: StandIn })

/** Imported for what it does. */
export {}
