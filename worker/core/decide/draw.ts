/**
 * One request has one draw, uniform in [0, 1), and everything that is left to chance follows from it: so a decision can be made
 * again, and a policy's test can say which draw it means. Splits and exploration read it as it is. What must not go along with
 * them (each recovering target's share, each shadow, a tie) reads a number derived from it, as independent as a hash makes it.
 */

/** Uniform in [0, 1), a function of the draw and the salt alone. The mixing is MurmurHash3's finalizer over the draw's top 32 bits. */
export function derived(draw: number, salt: number): number {
  let bits = (Math.floor(draw * 4_294_967_296) ^ Math.imul(salt + 1, 0x9e3779b9)) | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return ((bits ^ (bits >>> 16)) >>> 0) / 4_294_967_296
}

/** Salts: targets use their index, which stays far below these. */
export const TIE = 1_000_001
export const SHADOW = 2_000_000
