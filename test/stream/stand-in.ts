/**
 * Node has no IdentityTransformStream. A TransformStream without functions is the same thing for what the pump relies on: a
 * write waits until it is read, and fails once the reader has gone.
 */
class StandIn extends TransformStream<Uint8Array, Uint8Array> {}
Object.assign(globalThis, { IdentityTransformStream: StandIn })
