/** The health that every region knows, for the few who look at all of them: what runs once a minute, and operators; never a caller's request. */
import { PLACES, REGIONS } from '../core/health/region.ts'
import type { HealthSnapshot } from '../schema/health.ts'

/** Regions whose object does not answer are left out. */
export async function healthOfRegions({ HEALTH }: Pick<Env, 'HEALTH'>): Promise<HealthSnapshot[]> {
  const asked = await Promise.allSettled(
    REGIONS.map(region => HEALTH.getByName(region, { locationHint: PLACES[region] }).snapshot() as Promise<HealthSnapshot>),
  )
  return asked.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
}
