import { describe, expect, it } from 'vitest'
import { EVERYWHERE, regionOf } from '../../../worker/core/health/region.ts'

describe('the region of a request', () => {
  it.each<[string, unknown, string]>([
    ['a continent', { continent: 'EU', colo: 'FRA' }, 'eu'],
    ['another', { continent: 'OC' }, 'oc'],
    ['the east of North America', { continent: 'NA', longitude: '-77.04' }, 'na-east'],
    ['its west', { continent: 'NA', longitude: '-122.41' }, 'na-west'],
    ['a part of it that is not said', { continent: 'NA' }, 'na-east'],
    ['a longitude that is none', { continent: 'NA', longitude: 'west' }, 'na-east'],
    ['Tor, which has no continent', { continent: 'T1' }, EVERYWHERE],
    ['a continent that is no text', { continent: 7 }, EVERYWHERE],
    ['nothing said', {}, EVERYWHERE],
    ['nothing at all, as on an own machine', undefined, EVERYWHERE],
    ['something else', 'EU', EVERYWHERE],
  ])('%s', (_, cf, region) => {
    expect(regionOf(cf)).toBe(region)
  })
})
