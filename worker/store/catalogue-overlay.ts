/**
 * The catalogue overlay in KV, for those who administer it. Requests take it up through `catalogue.ts`.
 */
import { type Catalogue, type CatalogueOverlay, catalogueOverlay } from '../schema/catalogue.ts'
import { BUNDLED, OVERLAY_KEY, overlaid } from './catalogue.ts'
import { putKv } from './kv-put.ts'

/** Null where there is none, or none that can be read: then it lies over nothing. */
export async function storedOverlay(kv: KVNamespace): Promise<{ text: string; overlay: CatalogueOverlay | null } | null> {
  const text = await kv.get(OVERLAY_KEY)
  if (text === null) return null
  try {
    return { text, overlay: catalogueOverlay.safeParse(JSON.parse(text)).data ?? null }
  } catch {
    // Somebody wrote something else than JSON there; the alarm of `catalogue.ts` says so.
    return { text, overlay: null }
  }
}

/** All that policies may refer to: the bundled catalogue with the overlay over it, whatever is switched on. */
export async function wholeCatalogueOf(kv: KVNamespace): Promise<Catalogue> {
  const stored = await storedOverlay(kv)
  return stored?.overlay ? overlaid(BUNDLED, stored.overlay) : BUNDLED
}

export const putOverlay = (kv: KVNamespace, overlay: CatalogueOverlay): Promise<void> => putKv(kv, OVERLAY_KEY, JSON.stringify(overlay))
export const deleteOverlay = (kv: KVNamespace): Promise<void> => kv.delete(OVERLAY_KEY)
