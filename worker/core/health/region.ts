/**
 * Which object knows the health that a request goes by. A provider fails for some regions and works for others, and an object a
 * continent away answers too late to be waited for; so each region has one of its own. Where nobody says where a request came
 * from, as on an own machine, the one object for everywhere serves.
 */
/** The object for requests from nowhere in particular; it also holds what is true everywhere (`everywhere.ts`). */
export const EVERYWHERE = 'all'
/** Cloudflare's continent codes (developers.cloudflare.com, `request.cf`, read November 2026). */
const CONTINENTS: ReadonlySet<string> = new Set(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'])
/** North America has two coasts, and most requests: they are told apart by longitude, at about the middle of what is between. */
const AMERICA_MIDDLE = -98

/** `cf`: what the platform says of a request, which may be anything or nothing. */
export function regionOf(cf: unknown): string {
  if (typeof cf !== 'object' || cf === null) return EVERYWHERE
  const { continent, longitude } = cf as { continent?: unknown; longitude?: unknown }
  if (typeof continent !== 'string' || !CONTINENTS.has(continent)) return EVERYWHERE
  const east = Number(longitude)
  if (continent === 'NA' && typeof longitude === 'string' && Number.isFinite(east)) return east < AMERICA_MIDDLE ? 'na-west' : 'na-east'
  return continent === 'NA' ? 'na-east' : continent.toLowerCase()
}

/** Every region there is, for those who look at all of them. */
export const REGIONS: readonly string[] = [EVERYWHERE, 'af', 'an', 'as', 'eu', 'na-east', 'na-west', 'oc', 'sa']

/** Where an object is best made, so that its region reaches it soon (Durable Objects' location hints, read November 2026). */
export const PLACES: Readonly<Record<string, DurableObjectLocationHint | undefined>> = {
  af: 'afr',
  as: 'apac',
  eu: 'weur',
  'na-east': 'enam',
  'na-west': 'wnam',
  oc: 'oc',
  sa: 'sam',
}
