/**
 * What can be asked of a target. `chat` is understood, decided and translated; the others are decided and accounted for in the
 * same way, and their bodies passed through, since the form of their bodies is OpenAI's wherever they are served.
 */
import * as z from 'zod'

export const PASSED_ENDPOINTS = [
  'completions',
  'embeddings',
  'images',
  'image_edits',
  'speech',
  'transcriptions',
  'moderations',
  'rerank',
] as const
export const ENDPOINTS = ['chat', ...PASSED_ENDPOINTS] as const
export const endpointName = z.enum(ENDPOINTS)
export const passedEndpoint = z.enum(PASSED_ENDPOINTS)
export type EndpointName = z.infer<typeof endpointName>
export type PassedEndpoint = z.infer<typeof passedEndpoint>

/** Under `/v1` here, and under a provider's base address there, where its entry does not say otherwise. */
export const ENDPOINT_PATHS: Record<PassedEndpoint, string> = {
  completions: '/completions',
  embeddings: '/embeddings',
  images: '/images/generations',
  image_edits: '/images/edits',
  speech: '/audio/speech',
  transcriptions: '/audio/transcriptions',
  moderations: '/moderations',
  rerank: '/rerank',
}
