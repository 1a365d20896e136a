import { describe, expect, it } from 'vitest'
import { globMatches, maskOf } from '../../../worker/core/decide/selector.ts'
import { live, THREE } from './small-world.ts'

const { targets } = live(THREE)
const chosen = (selectors: string[], groups: Record<string, string[]> = {}) => {
  const mask = maskOf(selectors, targets, groups)
  return targets.filter((_, i) => mask[i]).map(target => target.id)
}

describe('a selector', () => {
  it.each([
    ['a target id', ['north/strong'], ['north/strong']],
    ['all of a provider', ['north/*'], ['north/strong', 'north/middle']],
    ['a glob over providers', ['*/weak'], ['south/weak']],
    ['a star in the middle', ['n*dle'], ['north/middle']],
    ['everything', ['*'], ['north/strong', 'north/middle', 'south/weak']],
    ['nothing', ['east/*'], []],
    ['several together', ['south/*', 'north/strong'], ['north/strong', 'south/weak']],
  ])('may stand for %s', (_, selectors, ids) => expect(chosen(selectors)).toEqual(ids))

  it('may be a group, and a group of groups', () => {
    expect(chosen(['group:all'], { all: ['group:good', 'south/*'], good: ['north/strong'] })).toEqual(['north/strong', 'south/weak'])
  })
  it('of a group that contains itself stands for what else is in it', () => {
    expect(chosen(['group:round'], { round: ['group:round', 'south/*'] })).toEqual(['south/weak'])
  })
})

describe('matching a glob', () => {
  it('takes no longer for a nasty one', () => {
    // The classic that makes a backtracking regular expression take for ever.
    expect(globMatches(`${'a*'.repeat(90)}b`, 'a'.repeat(200))).toBe(false)
  })
  it.each([
    ['', '', true],
    ['*', '', true],
    ['a', '', false],
    ['', 'a', false],
    ['a*', 'a', true],
    ['*a', 'ba', true],
    ['a**b', 'ab', true],
    ['a.b', 'axb', false],
  ])('"%s" on "%s" is %s', (glob, text, matches) => expect(globMatches(glob, text)).toBe(matches))
})
