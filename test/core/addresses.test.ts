/** Ranges of addresses that a key may be kept to. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInside, rangeOf } from '../../worker/core/addresses.ts'

const inside = (address: string, ...ranges: string[]) =>
  isInside(
    address,
    ranges.map(text => {
      const range = rangeOf(text)
      if (range === null) throw new Error(`${text} is no range`)
      return range
    }),
  )

describe('an address is inside', () => {
  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7', '0.0.0.0/0'],
    ['192.0.2.129', '192.0.2.128/25'],
    ['2001:db8::1', '2001:db8::/32'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::1', '::/0'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['::ffff:c000:207', '192.0.2.0/24'],
    ['192.0.2.7', '::ffff:192.0.2.0/120'],
    ['192.0.2.7', '10.0.0.0/8, 192.0.2.0/24'],
  ])('%s in %s', (address, ranges) => expect(inside(address, ...ranges.split(', '))).toBe(true))
})

describe('an address is outside', () => {
  it.each([
    ['192.0.3.7', '192.0.2.0/24'],
    ['192.0.2.127', '192.0.2.128/25'],
    ['192.0.2.8', '192.0.2.7'],
    ['2001:db9::1', '2001:db8::/32'],
    ['::192.0.2.7', '192.0.2.0/24'],
    ['64:ff9b::192.0.2.7', '192.0.2.0/24'],
    ['2001:db8::1', '0.0.0.0/0'],
    ['', '::/0'],
    ['192.0.2.7, 10.0.0.1', '192.0.2.0/24'],
    ['192.0.2.7:443', '192.0.2.0/24'],
    ['0xc0.0.2.7', '192.0.2.0/24'],
    ['192.0.2.07', '192.0.2.0/24'],
    ['fe80::1%eth0', 'fe80::/10'],
  ])('%s of %s', (address, range) => expect(inside(address, range)).toBe(false))
})

describe('no range', () => {
  it.each([
    '',
    '/',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/08',
    '192.0.2/24',
    '2001:db8::/129',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'host/24',
    '192.0.2.0/24/8',
    '::1/64 ',
  ])('is %j', text => expect(rangeOf(text)).toBeNull())
})

it('a range of one address holds that address in every spelling, and no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }),
      fc.integer({ min: 0, max: 127 }),
      (groups, bit) => {
        const long = groups.map(group => group.toString(16).padStart(4, '0')).join(':')
        const short = groups.map(group => group.toString(16).toUpperCase()).join(':')
        const other = groups.map((group, at) => (at === bit >> 4 ? group ^ (1 << (bit & 15)) : group).toString(16)).join(':')
        expect([inside(short, long), inside(other, long)]).toEqual([true, false])
      },
    ),
  )
})
