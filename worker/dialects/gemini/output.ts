/**
 * The form that an answer must have, in both directions. A schema is always held to here, and has neither a name nor a description
 * of its own.
 */
import type { JsonObject, OutputFormat } from '../../schema/chat.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './part-write.ts'

const JSON_TYPE = 'application/json'

/** `beside` keeps what the neutral form does not have of it. */
export function readOutput(config: JsonObject, beside: JsonObject): OutputFormat {
  const type = config.responseMimeType
  // The older field, in a smaller language of schemas, stays in `beside` as it is.
  const schema = config.responseJsonSchema ?? config.responseSchema
  if (type !== JSON_TYPE) {
    if (type !== undefined) beside.responseMimeType = type
    if (config.responseJsonSchema !== undefined) beside.responseJsonSchema = config.responseJsonSchema
    return { form: 'text' }
  }
  return schema === undefined || schema === null ? { form: 'json_object' } : { form: 'json_schema', name: 'answer', schema, strict: null }
}

export function writeOutput(output: OutputFormat, own_config: JsonObject | undefined, to: Writing): JsonObject {
  if (output.form === 'text') return {}
  if (output.form === 'json_object') return { responseMimeType: JSON_TYPE }
  if (output.description !== undefined)
    to.losses.push({ field: `${fieldName(to.from, 'output')}.description`, how: 'dropped', note: 'a schema has no description here' })
  const written: JsonObject = { responseMimeType: JSON_TYPE }
  if (own_config?.responseSchema === undefined) written.responseJsonSchema = output.schema
  return written
}
