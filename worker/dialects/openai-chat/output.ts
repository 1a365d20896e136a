/**
 * The form that an answer must have, `response_format`, in both directions.
 */
import type { JsonObject, OutputFormat } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'

const FORMAT = new Set(['type', 'json_schema'])
const NAMED = new Set(['name', 'schema', 'strict', 'description'])

export function readOutput(check: Check, body: JsonObject, extra: JsonObject): OutputFormat {
  const format = body.response_format
  if (format === undefined || format === null) return { form: 'text' }
  if (!isObject(format) || typeof format.type !== 'string') {
    refuse(check, 'response_format', 'must be an object with a type: text, json_object or json_schema.')
    return { form: 'text' }
  }
  if (format.type === 'text') return { form: 'text' }
  if (format.type === 'json_object' && format.schema === undefined) return { form: 'json_object' }
  if (format.type !== 'json_schema') {
    // Grammars and other servers' own forms: only the target can read them.
    extra.response_format = format
    return format.type === 'json_object' ? { form: 'json_object' } : { form: 'text' }
  }
  const named = format.json_schema
  if (!isObject(named)) {
    refuse(check, 'response_format.json_schema', `must be an object with a name and a schema, not ${kindOf(named)}.`)
    return { form: 'text' }
  }
  if (named.name !== undefined && typeof named.name !== 'string') refuse(check, 'response_format.json_schema.name', 'must be a string.')
  const output: OutputFormat = {
    form: 'json_schema',
    name: typeof named.name === 'string' ? named.name : 'answer',
    schema: named.schema ?? {},
    strict: typeof named.strict === 'boolean' ? named.strict : null,
  }
  if (typeof named.description === 'string') output.description = named.description
  if (rest(named, NAMED) || rest(format, FORMAT)) extra.response_format = format
  return output
}

export function writeOutput(output: OutputFormat): JsonObject | null {
  if (output.form === 'text') return null
  if (output.form === 'json_object') return { type: 'json_object' }
  const { name, schema, strict, description } = output
  const named: JsonObject = { name, schema }
  if (strict !== null) named.strict = strict
  if (description !== undefined) named.description = description
  return { type: 'json_schema', json_schema: named }
}
