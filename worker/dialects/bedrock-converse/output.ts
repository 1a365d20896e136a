/**
 * The form that an answer must have, in both directions: a schema, as text, or nothing.
 */
import type { ChatRequest, Json, JsonObject, OutputFormat } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './block-write.ts'

/** A schema is text here. What is no schema in this shape is carried as it is. */
export function readOutput({ outputConfig }: JsonObject, extra: JsonObject): OutputFormat {
  if (outputConfig === undefined || outputConfig === null) return { form: 'text' }
  const format = isObject(outputConfig) ? outputConfig.textFormat : undefined
  const structure = isObject(format) ? format.structure : undefined
  const named = isObject(structure) ? structure.jsonSchema : undefined
  if (isObject(named) && typeof named.schema === 'string') {
    const output: OutputFormat = {
      form: 'json_schema',
      name: typeof named.name === 'string' ? named.name : 'answer',
      schema: {},
      strict: null,
    }
    if (typeof named.description === 'string') output.description = named.description
    try {
      output.schema = JSON.parse(named.schema) as Json
    } catch {
      extra.outputConfig = outputConfig
      return { form: 'text' }
    }
    if (JSON.stringify(outputOf(output)) !== JSON.stringify(outputConfig)) extra.outputConfig = outputConfig
    return output
  }
  extra.outputConfig = outputConfig
  return { form: 'text' }
}

function outputOf({ schema, name, description }: Extract<OutputFormat, { form: 'json_schema' }>): JsonObject {
  const jsonSchema: JsonObject = { schema: JSON.stringify(schema), name }
  if (description !== undefined) jsonSchema.description = description
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
}

export function writeOutput(body: JsonObject, { output, dialect }: ChatRequest, to: Writing): void {
  if (output.form === 'json_schema') body.outputConfig = outputOf(output)
  else if (output.form === 'json_object')
    to.losses.push({
      field: fieldName(dialect, 'output'),
      how: 'dropped',
      note: 'JSON is held to only with a schema here; the prompt must ask for it',
    })
}
