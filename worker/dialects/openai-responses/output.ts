/**
 * The form that an answer must have, `text.format`, in both directions.
 */
import type { JsonObject, OutputFormat } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'

const TEXT = new Set(['format'])
const FORMAT = new Set(['type', 'name', 'schema', 'strict', 'description'])

export function readOutput(check: Check, body: JsonObject, extra: JsonObject): OutputFormat {
  const { text } = body
  const plain: OutputFormat = { form: 'text' }
  if (text === undefined || text === null) return plain
  if (!isObject(text)) {
    refuse(check, 'text', `must be an object, not ${kindOf(text)}.`)
    return plain
  }
  const format = text.format ?? { type: 'text' }
  if (!isObject(format) || typeof format.type !== 'string') {
    refuse(check, 'text.format', 'must be an object with a type: text, json_object or json_schema.')
    return plain
  }
  const { type } = format
  // How wordy the answer should be, grammars and what may come: only the target can read them.
  if (rest(text, TEXT) || rest(format, FORMAT) || (type !== 'text' && type !== 'json_object' && type !== 'json_schema')) extra.text = text
  if (type === 'json_object') return { form: 'json_object' }
  if (type !== 'json_schema') return plain
  if (format.name !== undefined && typeof format.name !== 'string') refuse(check, 'text.format.name', 'must be a string.')
  const output: OutputFormat = {
    form: 'json_schema',
    name: typeof format.name === 'string' ? format.name : 'answer',
    schema: format.schema ?? {},
    strict: typeof format.strict === 'boolean' ? format.strict : null,
  }
  if (typeof format.description === 'string') output.description = format.description
  return output
}

export function writeOutput(output: OutputFormat): JsonObject | null {
  if (output.form === 'text') return null
  if (output.form === 'json_object') return { format: { type: 'json_object' } }
  const { name, schema, strict, description } = output
  const format: JsonObject = { type: 'json_schema', name, schema }
  if (strict !== null) format.strict = strict
  if (description !== undefined) format.description = description
  return { format }
}
