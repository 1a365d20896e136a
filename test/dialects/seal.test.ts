import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealText, unsealed } from '../../worker/dialects/seal.ts'
import { DIALECTS } from '../../worker/schema/chat.ts'

describe('a seal in a foreign field', () => {
  it('comes out as what went in, with whose it is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...DIALECTS), fc.string({ minLength: 1 }), fc.boolean(), (whose, value, signs) => {
        const sealed = signs ? { signature: value } : { encrypted: value }
        expect(unsealed(sealText(sealed, whose) ?? '')).toEqual({ ...sealed, seal_of: whose })
      }),
    )
  })
  it('is none where a thought has none', () => expect(sealText({}, 'gemini')).toBeNull())
  it.each(['CAISqwQKhwEIEBgC', 'sb1.', 'sb1.nobody.s.x', 'sb1.gemini.q.x', 'sb1.gemini.sx', ''])(
    "is not what is a format's own: %s",
    text => expect(unsealed(text)).toBeNull(),
  )
})
