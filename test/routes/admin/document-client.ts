/**
 * A client of the admin API that knows nothing but its OpenAPI document: where an operation is, what it takes and what comes back are read
 * there, and everything that goes out and comes in is held to the document's own schemas.
 */
import * as z from 'zod'
import type { Document, Operation } from '../../../worker/routes/admin/openapi.ts'
import { ask } from './asking.ts'

type Given = { path?: Record<string, string>; query?: Record<string, string | number>; body?: unknown }
type JsonSchema = Parameters<typeof z.fromJSONSchema>[0]

/** What a schema refers to stands with the document; zod looks for it in the schema itself. */
function schemaWith(components: unknown, schema: Record<string, unknown>) {
  const whole = JSON.stringify({ ...schema, $defs: components }).replaceAll('"#/components/schemas/', '"#/$defs/')
  return z.fromJSONSchema(JSON.parse(whole) as JsonSchema)
}

export function clientOf(document: Document, key: string) {
  const schemaOf = (schema: Record<string, unknown>) => schemaWith(document.components.schemas, schema)
  const operations = new Map<string, { method: string; path: string; operation: Operation }>()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) operations.set(operation.operationId, { method, path, operation })
  }
  return {
    ids: [...operations.keys()],
    /** Throws where the request is not as the document has it, or the answer. */
    async call<T = Record<string, unknown>>(id: string, given: Given = {}): Promise<T> {
      const found = operations.get(id)
      if (!found) throw new Error(`the document has no ${id}`)
      const { method, path, operation } = found
      const query = new URLSearchParams()
      for (const [name, value] of Object.entries(given.query ?? {})) {
        const parameter = operation.parameters.find(each => each.in === 'query' && each.name === name)
        if (!parameter) throw new Error(`the document gives ${id} no parameter ${name}`)
        schemaOf(parameter.schema).parse(value)
        query.set(name, String(value))
      }
      const missing = operation.parameters.filter(
        each => each.required && (each.in === 'path' ? given.path : given.query)?.[each.name] === undefined,
      )
      if (missing.length > 0) throw new Error(`${id} needs ${missing.map(each => each.name).join(', ')}`)
      if (operation.requestBody) schemaOf(operation.requestBody.content['application/json'].schema).parse(given.body)
      const filled = path.replace(/\{([a-z_]+)\}/g, (_, name: string) => encodeURIComponent(given.path?.[name] ?? ''))
      const response = await ask(method.toUpperCase(), `${filled}${query.size > 0 ? `?${query}` : ''}`, {
        key,
        ...(given.body === undefined ? {} : { body: given.body }),
      })
      const text = await response.text()
      const told = operation.responses[String(response.status)] ?? operation.responses.default
      const [type = '', content] = Object.entries(told?.content ?? {})[0] ?? []
      if (type === 'application/json' && content) {
        const schema = '$ref' in content.schema ? (document.components.schemas as { Error: Record<string, unknown> }).Error : content.schema
        schemaOf(schema).parse(JSON.parse(text))
      }
      if (response.status >= 300) throw new Error(`${response.status} ${text}`)
      return (type === 'application/json' ? JSON.parse(text) : text) as T
    },
  }
}
