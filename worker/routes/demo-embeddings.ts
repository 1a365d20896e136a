/**
 * Embeddings of the demo: no model runs. Each word and each three letters of it point somewhere by their hash, and a text is the
 * sum of where its words point: so equal texts have equal vectors, and texts that share words are near each other, which is
 * enough to build a search against. The name of the model says that it is a demo.
 */
import { estimateTokens } from '../core/understand/tokens.ts'
import type { Json, JsonObject } from '../schema/chat.ts'

export const DEMO_DIMENSIONS = 256

export function demoEmbeddings(body: JsonObject, name: string): Response {
  if (name !== 'embedding') return refusal(`The demo has no embedding model "${name}".`)
  const inputs = Array.isArray(body.input) && typeof body.input[0] !== 'number' ? body.input : [body.input ?? '']
  const dimensions = typeof body.dimensions === 'number' ? body.dimensions : DEMO_DIMENSIONS
  const texts = inputs.map(input => (typeof input === 'string' ? input : JSON.stringify(input)))
  const tokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0)
  const data = texts.map((text, index): Json => {
    const vector = vectorOf(text, dimensions)
    return { object: 'embedding', index, embedding: body.encoding_format === 'base64' ? base64(vector) : [...vector] }
  })
  return Response.json({ object: 'list', data, model: 'demo/embedding', usage: { prompt_tokens: tokens, total_tokens: tokens } })
}

/** Of length one, so that a dot product is a similarity. */
function vectorOf(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(vector, word, 1)
    for (let i = 0; i + 3 <= word.length; i++) add(vector, word.slice(i, i + 3), 0.3)
  }
  let squares = 0
  for (const value of vector) squares += value * value
  if (squares === 0) vector[0] = 1
  const length = Math.sqrt(squares) || 1
  return vector.map(value => value / length)
}

/** FNV-1a: one half of the hash is the place, a bit of the rest the sign. */
function add(vector: Float32Array, piece: string, weight: number): void {
  let hash = 0x811c9dc5
  for (let i = 0; i < piece.length; i++) hash = Math.imul(hash ^ piece.charCodeAt(i), 0x01000193)
  const place = (hash >>> 1) % vector.length
  vector[place] = (vector[place] ?? 0) + (hash & 1 ? weight : -weight)
}

/** As OpenAI's clients ask for it: little-endian 32-bit floats. */
function base64(vector: Float32Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(vector.buffer)))
}

const refusal = (message: string) =>
  Response.json({ error: { message, type: 'demo', param: null, code: 'model_not_found' } }, { status: 404 })
