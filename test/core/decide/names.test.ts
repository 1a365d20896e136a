import { describe, expect, it } from 'vitest'
import { askedFor, nameable, policyNamed } from '../../../worker/core/decide/names.ts'
import { CALLER, callerWith, catalogueOf, live, policyOf, THREE } from './small-world.ts'

const catalogue = live(THREE)
const { policy } = policyOf({ groups: { strong: ['*/strong'] } })
const asked = (model: string, caller = CALLER) => askedFor(model, caller, policy, catalogue, ['default', 'cheap', 'private-eu'])

describe('the policy of a request', () => {
  it('is the one it names', () => expect(policyNamed('policy/cheap', CALLER)).toBe('cheap'))
  it("is the caller's own where it names none", () => expect(policyNamed('auto', { ...CALLER, policy: 'fast' })).toBe('fast'))
})

describe('what a request names', () => {
  it.each(['auto', 'policy/default'])('leaves the choice to the router with "%s"', model => {
    expect(asked(model)).toEqual({ ok: true, value: { kind: 'any' } })
  })
  it('may be a group of the policy', () => expect(asked('strong')).toEqual({ ok: true, value: { kind: 'group', group: 'strong' } }))
  it.each([
    ['a target id', 'north/strong'],
    ["a model's plain name", 'strong-latest'],
    ['a plain name in other case', 'Strong-Latest'],
  ])('may be %s', (_, model) => {
    expect(asked(model)).toMatchObject({ ok: true, value: { kind: 'model', targets: [{ id: 'north/strong' }] } })
  })
  it('finds every provider that serves a plain name', () => {
    const both = live(catalogueOf([{ id: 'north' }, { id: 'south' }], [{ id: 'north/open-model' }, { id: 'south/open-model' }]))
    const found = askedFor('open-model', CALLER, policy, both, [])
    expect(found.ok && found.value.kind === 'model' && found.value.targets.map(target => target.id)).toEqual([
      'north/open-model',
      'south/open-model',
    ])
  })
  it('is the group where a model has the same name', () => {
    const { policy } = policyOf({ groups: { strong: ['south/weak'] } })
    expect(askedFor('strong', CALLER, policy, catalogue, [])).toMatchObject({ value: { kind: 'group' } })
  })
})

describe('an unknown name', () => {
  it.each([
    ['a slip of the finger', 'north/strnog', 'north/strong'],
    ['a missing dash', 'stronglatest', 'strong-latest'],
    ['a policy that is not there', 'policy/private-ue', 'policy/private-eu'],
    ['part of a name', 'midd', 'north/middle'],
  ])('comes with near ones: %s', (_, model, near) => {
    const found = asked(model)
    expect(!found.ok && found.error.code === 'model_not_found' && found.error.near).toContain(near)
  })
  it('comes with none where nothing is near', () => {
    expect(asked('zzzzzzzz')).toEqual({ ok: false, error: { code: 'model_not_found', near: [], served_at: [] } })
  })
  it('of any length is answered', () => expect(asked('x'.repeat(100_000)).ok).toBe(false))
  it('never shows what the key may not use', () => {
    const found = asked('north/strnog', callerWith({ targets: ['south/*'] }))
    expect(!found.ok && found.error.code === 'model_not_found' && found.error.near).not.toContain('north/strong')
  })
})

describe('a key', () => {
  it('without the right to pin may not name a model', () => {
    expect(asked('north/strong', callerWith({ may_pin: false }))).toMatchObject({ ok: false, error: { code: 'forbidden' } })
  })
  it('without the right to pin may still say auto', () => expect(asked('auto', callerWith({ may_pin: false })).ok).toBe(true))
  it('limited to some policies may not name another', () => {
    expect(asked('policy/default', { ...callerWith({ policies: ['cheap'] }), policy: 'cheap' })).toMatchObject({
      error: { code: 'forbidden' },
    })
  })
  it('may always name its own default policy', () => {
    expect(asked('policy/default', callerWith({ policies: [] })).ok).toBe(true)
  })
  it('is shown only the names it may write', () => {
    const names = [
      ...nameable(callerWith({ policies: ['cheap'], targets: ['south/*'] }), policy, catalogue, ['default', 'cheap', 'private-eu']),
    ]
    expect(names).toEqual(['auto', 'policy/default', 'policy/cheap', 'strong', 'south/weak', 'weak'])
  })
})
