/**
 * What an answer is grounded on. Pages are listed once and spans of the answer point at them; one citation comes of each span and
 * page, in the shape that web citations have in the most formats (`url_citation`).
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'

/** Of one answer; a search gives some ten pages and a few dozen spans. */
const MOST = 200

export function citationsOf({ groundingMetadata }: JsonObject): Json[] {
  if (!isObject(groundingMetadata) || !Array.isArray(groundingMetadata.groundingChunks)) return []
  const pages = groundingMetadata.groundingChunks.map(chunk => (isObject(chunk) && isObject(chunk.web) ? chunk.web : null))
  const supports = Array.isArray(groundingMetadata.groundingSupports) ? groundingMetadata.groundingSupports : []
  const citations: Json[] = []
  for (const support of supports) {
    if (!isObject(support) || !Array.isArray(support.groundingChunkIndices)) continue
    const segment = isObject(support.segment) ? support.segment : {}
    for (const index of support.groundingChunkIndices) {
      const page = typeof index === 'number' ? pages[index] : null
      const citation = page ? citationOf(page, segment) : null
      if (citation && citations.length < MOST) citations.push(citation)
    }
  }
  return citations
}

function citationOf(page: JsonObject, segment: JsonObject): JsonObject | null {
  if (typeof page.uri !== 'string') return null
  const cited: JsonObject = { url: page.uri, title: typeof page.title === 'string' ? page.title : page.uri }
  // Where it stands in the answer is told here in bytes, and elsewhere in characters: the words themselves are given instead.
  if (typeof segment.text === 'string') cited.content = segment.text
  return { type: 'url_citation', url_citation: cited }
}
