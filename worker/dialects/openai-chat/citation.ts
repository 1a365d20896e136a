/**
 * Citations of this format, `annotations`: its own go back as they came, those of other formats where they cite a page.
 */
import type { Json } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { webCitation } from '../citation.ts'

/** Shapes that stand in `annotations` of another format, or that say where in a source the words stand. */
const isForeign = (value: Json) =>
  isObject(value) && !isObject(value.url_citation) && typeof value.type === 'string' && FOREIGN.test(value.type)
const FOREIGN = /^(url_citation|file_citation|file_path|container_file_citation|\w+_location)$/

/**
 * Null where this format cannot say it. `before` and `said`: where the text it belongs to begins in the answer and how long that was
 * when it came, as clients insist on places and some formats do not say them.
 */
export function writeCitation(value: Json, before: number, said: number): Json | null {
  if (!isForeign(value)) return placed(value, before, said)
  const page = webCitation(value)
  if (page === null) return null
  const { url, title, quote, start, end } = page
  return {
    type: 'url_citation',
    url_citation: {
      url,
      title: title ?? url,
      start_index: before + (start ?? 0),
      end_index: before + (end ?? said),
      ...(quote === null ? undefined : { content: quote }),
    },
  }
}

/** Of this format's shape, but by a provider that does not say where its words stand. */
function placed(value: Json, before: number, said: number): Json {
  if (!isObject(value) || !isObject(value.url_citation)) return value
  const { start_index, end_index } = value.url_citation
  if (typeof start_index === 'number' && typeof end_index === 'number') return value
  return { ...value, url_citation: { ...value.url_citation, start_index: before, end_index: before + said } }
}
