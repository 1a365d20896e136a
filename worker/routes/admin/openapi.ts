/**
 * The OpenAPI 3.1 document of the admin API, made from the very table that routes it, and a page for people made from that
 * document. The page has no script, nothing of another origin, and no data of this router.
 */
import * as z from 'zod'
import { ok } from '../../core/result.ts'
import { type Route, route, Text } from './route.ts'

type Schema = Record<string, unknown>
type Parameter = { name: string; in: 'path' | 'query'; required: boolean; schema: Schema; description?: string }
export type Operation = {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security?: []
  parameters: Parameter[]
  requestBody?: { required: true; content: { 'application/json': { schema: Schema } } }
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>
}
export type Document = { openapi: '3.1.0'; info: Schema; paths: Record<string, Record<string, Operation>>; components: Schema }

const ERROR: Schema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: { message: { type: 'string' }, type: { type: 'string' }, param: { type: ['string', 'null'] }, code: { type: 'string' } },
    },
  },
}

export function openApi(routes: readonly Route[]): Document {
  const paths: Document['paths'] = {}
  const schemas: Record<string, Schema> = { Error: ERROR }
  for (const each of routes) {
    const path = each.path.replace(/:([a-z_]+)/g, '{$1}')
    paths[path] = { ...paths[path], [each.method.toLowerCase()]: operationOf(each, schemas) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Signalbox admin API',
      version: '1',
      description:
        'Every call needs an admin key as "authorization: Bearer sk-sbadm_...", or a session of Cloudflare Access. Roles: viewer, operator, admin, owner; each may do what those before it may. Unknown fields are refused.',
    },
    paths,
    components: { securitySchemes: { admin_key: { type: 'http', scheme: 'bearer' } }, schemas },
  }
}

function operationOf({ id, summary, role, reach, params, query, body, answer, status }: Route, schemas: Record<string, Schema>): Operation {
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output', part: string) => jsonSchema(schema, io, `${id}.${part}`, schemas)
  const good: Record<string, { schema: Schema }> = answer
    ? { 'application/json': { schema: schemaOf(answer(), 'output', 'answer') } }
    : { 'text/plain': { schema: { type: 'string' } } }
  return {
    operationId: id,
    summary,
    description: role === 'open' ? 'For anyone.' : `Role ${role}.${reach === 'router' ? ' Only for admins of the whole router.' : ''}`,
    tags: [id.split('.')[0] ?? id],
    ...(role === 'open' ? { security: [] } : {}),
    parameters: [...parametersOf(params?.(), 'path', schemaOf), ...parametersOf(query?.(), 'query', schemaOf)],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body(), 'input', 'body') } } } } : {}),
    responses: {
      [String(status ?? 200)]: { description: 'Done.', content: good },
      default: { description: 'Refused.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    },
  }
}

function parametersOf(
  schema: z.ZodType | undefined,
  place: 'path' | 'query',
  schemaOf: (schema: z.ZodType, io: 'input', part: string) => Schema,
): Parameter[] {
  if (!schema) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input', place) as {
    properties?: Record<string, Schema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: rest,
    ...(typeof description === 'string' ? { description } : {}),
  }))
}

/** What a schema says of itself by reference (a value that holds its like) is a component of the document: a reference counts from its root. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', owner: string, schemas: Record<string, Schema>): Schema {
  const { $schema, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  for (const [name, each] of Object.entries($defs)) schemas[`${owner}.${name}`] = rooted(each, owner) as Schema
  return rooted(rest, owner) as Schema
}

function rooted(value: unknown, owner: string): unknown {
  if (Array.isArray(value)) return value.map(each => rooted(each, owner))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) =>
      name === '$ref' && typeof each === 'string'
        ? [name, each.replace('#/$defs/', `#/components/schemas/${owner}.`)]
        : [name, rooted(each, owner)],
    ),
  )
}

const DOCS = '/admin/v1/docs'

/** `all`: the whole table, which these routes are themselves part of. */
export function documentRoutes(all: () => readonly Route[]): Route[] {
  return [
    route({
      id: 'openapi.get',
      method: 'GET',
      path: '/admin/v1/openapi.json',
      role: 'open',
      reach: 'router',
      summary: 'This document',
      answer: () => z.looseObject({ openapi: z.literal('3.1.0') }),
      handle: async () => ok({ ...openApi(all()) }),
    }),
    route({
      id: 'docs.get',
      method: 'GET',
      path: DOCS,
      role: 'open',
      reach: 'router',
      summary: 'The same for people',
      handle: async () => ok(new Text(page(openApi(all())), { 'content-type': 'text/html; charset=utf-8' })),
    }),
    route({
      id: 'docs.style',
      method: 'GET',
      path: `${DOCS}/style.css`,
      role: 'open',
      reach: 'router',
      summary: "The page's style sheet",
      handle: async () => ok(new Text(STYLE, { 'content-type': 'text/css; charset=utf-8' })),
    }),
  ]
}

const STYLE = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;border-bottom:1px solid #8886}
details{margin:.5rem 0;padding:.25rem .5rem;border:1px solid #8884;border-radius:.4rem}
summary{cursor:pointer}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{overflow:auto;background:#8881;padding:.5rem;border-radius:.3rem}
.method{display:inline-block;min-width:4.2rem;font-weight:600}
table{border-collapse:collapse}td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}
`

function page({ info, paths }: Document): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const sections = [...Map.groupBy(operations, each => each.operation.tags[0] ?? '')].map(
    ([tag, each]) => `<h2>${safe(tag)}</h2>\n${each.map(({ path, method, operation }) => article(path, method, operation)).join('\n')}`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${safe(String(info.title))}</title>
<link rel="stylesheet" href="${DOCS}/style.css"></head>
<body><h1>${safe(String(info.title))}</h1><p>${safe(String(info.description))}</p>
<p>For programs: <a href="/admin/v1/openapi.json">openapi.json</a></p>
${sections.join('\n')}
</body></html>
`
}

function article(
  path: string,
  method: string,
  { operationId, summary, description, parameters, requestBody, responses }: Operation,
): string {
  const rows = parameters.map(
    ({ name, in: place, required, schema, description = '' }) =>
      `<tr><td><code>${safe(name)}</code></td><td>${place}${required ? ', required' : ''}</td><td>${safe(String(schema.type ?? ''))}</td><td>${safe(description)}</td></tr>`,
  )
  const [good] = Object.values(responses)
  const answer = good?.content?.['application/json']?.schema
  return `<details id="${safe(operationId)}"><summary><code><span class="method">${method.toUpperCase()}</span> ${safe(path)}</code> ${safe(summary)}</summary>
<p>${safe(description)}</p>
${rows.length ? `<table>${rows.join('')}</table>` : ''}
${requestBody ? `<p>Body</p><pre>${shown(requestBody.content['application/json'].schema)}</pre>` : ''}
${answer ? `<p>Answer</p><pre>${shown(answer)}</pre>` : ''}
</details>`
}

const shown = (schema: Schema) => safe(JSON.stringify(schema, null, 2))
const safe = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
