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

/** Null where this format cannot say it. */
export function writeCitation(value: Json): Json | null {
  if (!isForeign(value)) return value
  const page = webCitation(value)
  if (page === null) return null
  const { url, title, quote, start, end } = page
  return {
    type: 'url_citation',
    url_citation: {
      url,
      title: title ?? url,
      ...(start === null ? undefined : { start_index: start }),
      ...(end === null ? undefined : { end_index: end }),
      ...(quote === null ? undefined : { content: quote }),
    },
  }
}
