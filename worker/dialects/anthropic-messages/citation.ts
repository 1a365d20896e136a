/**
 * Citations of this format go back as they came; those of other formats where they cite a page.
 */
import type { Json } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { webCitation } from '../citation.ts'

/** Null where this format cannot say it. */
export function writeCitation(value: Json): Json | null {
  if (isObject(value) && typeof value.type === 'string' && value.type.endsWith('_location')) return value
  const page = webCitation(value)
  if (page === null) return null
  return { type: 'web_search_result_location', url: page.url, title: page.title, cited_text: page.quote ?? '', encrypted_index: '' }
}
