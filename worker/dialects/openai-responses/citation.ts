/**
 * Citations of this format, `annotations`, go back as they came; those of other formats where they cite a page.
 */
import type { Json } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { webCitation } from '../citation.ts'

/** Null where this format cannot say it. `said` is how long the text was when it came, for formats that do not say where it stands. */
export function writeCitation(value: Json, said: number): Json | null {
  const own = isObject(value) && typeof value.type === 'string' && !isObject(value.url_citation) && !value.type.endsWith('_location')
  if (own) return value
  const page = webCitation(value)
  if (page === null) return null
  const { url, title, start, end } = page
  return { type: 'url_citation', url, title: title ?? url, start_index: start ?? 0, end_index: end ?? said }
}
