/**
 * Citations of web pages, which every format has in its own shape. A citation is carried as its provider wrote it; the shapes tell
 * themselves apart, and what they have in common is read from any of them.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import { isObject } from './check.ts'

export type WebCitation = {
  url: string
  title: string | null
  /** The words of the source, where the provider gives them. */
  quote: string | null
  /** Characters of the answer that rest on it. */
  start: number | null
  end: number | null
}

const text = (value: Json | undefined) => (typeof value === 'string' ? value : null)
const at = (value: Json | undefined) => (typeof value === 'number' ? value : null)

/** Null for what cites no page: a passage of a document, a file, and whatever is no citation at all. */
export function webCitation(value: Json): WebCitation | null {
  if (!isObject(value)) return null
  // OpenAI Chat nests what OpenAI Responses has flat; Anthropic says where the words stand in its source instead of in the answer.
  const cited: JsonObject = isObject(value.url_citation) ? value.url_citation : value
  if (typeof cited.url !== 'string') return null
  return {
    url: cited.url,
    title: text(cited.title),
    quote: text(cited.cited_text) ?? text(cited.content),
    start: at(cited.start_index),
    end: at(cited.end_index),
  }
}
