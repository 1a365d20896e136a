/**
 * The admin API's document against the schema of its specification. Made here as it is made to be served, from the same table; in Node, since the
 * validator compiles the schema into code, which workerd does not allow.
 */
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { openApi } from '../worker/routes/admin/openapi.ts'
import { ADMIN_ROUTES } from '../worker/routes/admin/routes.ts'

type Json = Record<string, unknown>
type Loose = Json & { paths: Record<string, Record<string, Json>> }
/** As it goes over the wire. */
const served = () => JSON.parse(JSON.stringify(openApi(ADMIN_ROUTES))) as Loose

describe('the OpenAPI document of the admin API', () => {
  it('is OpenAPI 3.1 by the schema of its specification', async () => {
    const validator = new Validator()
    expect(await validator.validate(served())).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })
  it('has references that lead to its components, and nowhere else', async () => {
    const references = [...JSON.stringify(served()).matchAll(/"\$ref":"([^"]*)"/g)].map(found => found[1])
    expect(references.filter(each => !each?.startsWith('#/components/schemas/'))).toEqual([])
    const validator = new Validator()
    await validator.validate(served())
    expect(() => validator.resolveRefs()).not.toThrow()
  })
  it.each<[what: string, spoil: (of: Loose) => void]>([
    ['a version that is none', of => Object.assign(of, { openapi: '3' })],
    ['no information', of => delete of.info],
    ['a body without a content', ({ paths }) => Object.assign(paths['/admin/v1/keys']?.post ?? {}, { requestBody: { schema: {} } })],
    ['an answer of no status', ({ paths }) => Object.assign(paths['/admin/v1/keys']?.get?.responses ?? {}, { fine: { description: 'x' } })],
    ['a parameter of no place', ({ paths }) => Object.assign(paths['/admin/v1/keys']?.get ?? {}, { parameters: [{ name: 'limit' }] })],
  ])('would not pass with %s', async (_, spoil) => {
    const document = served()
    spoil(document)
    expect(await new Validator().validate(document)).toMatchObject({ valid: false })
  })
})
