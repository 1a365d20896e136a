/** The document says what the router does, since both are made from one table. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Document } from '../../../worker/routes/admin/openapi.ts'
import { ADMIN_ROUTES } from '../../../worker/routes/admin/routes.ts'
import { adminOf, ask, emptyRouter } from './asking.ts'

let document: Document
beforeAll(async () => {
  await emptyRouter()
  await adminOf('viewer')
  document = (await (await ask('GET', '/admin/v1/openapi.json')).json()) as Document
})

describe('the OpenAPI document', () => {
  it('has every route, and no other', () => {
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    expect(new Set(told)).toEqual(new Set(ADMIN_ROUTES.map(({ method, path }) => `${method} ${path.replace(/:([a-z_]+)/g, '{$1}')}`)))
  })
  it('gives each an id of its own, its role, its parameters, its body and its answer', () => {
    const operations = Object.values(document.paths).flatMap(methods => Object.values(methods))
    expect(new Set(operations.map(each => each.operationId)).size).toBe(operations.length)
    for (const route of ADMIN_ROUTES) {
      const operation = operations.find(each => each.operationId === route.id)
      expect(operation?.description).toContain(route.role === 'open' ? 'anyone' : `Role ${route.role}`)
      expect(operation?.parameters.filter(each => each.in === 'path').map(each => each.name)).toEqual(
        [...route.path.matchAll(/:([a-z_]+)/g)].map(found => found[1]),
      )
      expect([route.id, operation?.requestBody === undefined]).toEqual([route.id, route.body === undefined])
    }
  })
  it('says that unknown members are refused', () => {
    const body = document.paths['/admin/v1/keys']?.post?.requestBody?.content['application/json'].schema
    expect(body).toMatchObject({ additionalProperties: false, required: ['label', 'org'] })
    expect(document.paths['/admin/v1/usage']?.get?.parameters.map(each => each.name)).toContain('group_by')
  })
})

describe('the reference page', () => {
  it('shows every operation, and loads nothing from anywhere else', async () => {
    const response = await ask('GET', '/admin/v1/docs')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const html = await response.text()
    for (const { id } of ADMIN_ROUTES) expect(html).toContain(`id="${id}"`)
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(found => found[1])).toEqual([
      '/admin/v1/docs/style.css',
      '/admin/v1/openapi.json',
    ])
    expect(html).not.toMatch(/<script| on[a-z]+=| style=/)
    expect((await ask('GET', '/admin/v1/docs/style.css')).headers.get('content-type')).toBe('text/css; charset=utf-8')
  })
})
