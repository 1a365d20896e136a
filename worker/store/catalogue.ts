/**
 * The catalogue as this isolate knows it: the one bundled with the Worker, with an operator's overlay from KV, compiled for
 * what is switched on. Compiled again when the overlay changes or when an announced price comes into force.
 *
 * The bundled file is generated in the form that its schema gives, and a test holds it to that, so no isolate spends 50 ms of
 * its start on checking it. An overlay is checked; one that does not parse changes nothing and raises an alarm.
 */
import bundledJson from '../../policies/catalogue.json'
import type { Variables } from '../core/decide/address.ts'
import { compileCatalogue, everyTarget } from '../core/decide/catalogue.ts'
import type { LiveCatalogue } from '../core/decide/world.ts'
import { err, ok, type Result } from '../core/result.ts'
import { type Catalogue, type CatalogueOverlay, catalogueOverlay } from '../schema/catalogue.ts'
import type { Ms } from '../schema/units.ts'
import type { Alarm } from './alarm.ts'
import { atMost, keptText, type Problem } from './kept-text.ts'
import { textVersion } from './text-version.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }

export type CatalogueStore = {
  /** Not a promise, but for the first request of an isolate. */
  live(ctx: Context, now_ms: Ms): LiveCatalogue | Promise<LiveCatalogue>
  problems(): Alarm[]
}

export const OVERLAY_KEY = 'catalogue/overlay'
/** An overlay changes a few times a month; a quarter of a minute is soon enough. */
const OVERLAY_FRESH_MS: Ms = 15_000
const FIRST_WAIT_MS: Ms = 1_000

export const BUNDLED = bundledJson as unknown as Catalogue

/** `variables`: the Worker's environment, whose secrets and addresses switch providers on. */
export function catalogueStore(kv: KVNamespace, variables: Variables, bundle: Catalogue = BUNDLED): CatalogueStore {
  const overlay = keptText(kv, OVERLAY_KEY, readOverlay)
  let live: { catalogue: LiveCatalogue; of: CatalogueOverlay | null; until_ms: Ms } | null = null

  async function compiled(now_ms: Ms): Promise<LiveCatalogue> {
    const over = overlay.value()
    const whole = over ? overlaid(bundle, over) : bundle
    const catalogue = compileCatalogue(whole, variables, now_ms, await textVersion(JSON.stringify(whole)))
    const until_ms = everyTarget(catalogue).reduce(
      (earliest, { price_until_ms }) => Math.min(earliest, price_until_ms),
      Number.POSITIVE_INFINITY,
    )
    live = { catalogue, of: over, until_ms }
    return catalogue
  }

  async function refresh(now_ms: Ms): Promise<void> {
    await overlay.refresh(now_ms)
    if (live?.of !== overlay.value()) await compiled(now_ms)
  }

  return {
    live(ctx, now_ms) {
      const age_ms = overlay.age_ms(now_ms)
      if (!live) return atMost(FIRST_WAIT_MS, overlay.refresh(now_ms)).then(() => compiled(now_ms))
      if (age_ms > OVERLAY_FRESH_MS) ctx.waitUntil(refresh(now_ms))
      if (now_ms >= live.until_ms) ctx.waitUntil(compiled(now_ms))
      return live.catalogue
    },
    problems: () => overlay.alarms(),
  }
}

/** The overlay's entries in place of those with the same id, new ones at the end, and without what it leaves out. */
export function overlaid(bundle: Catalogue, overlay: CatalogueOverlay): Catalogue {
  const without = new Set(overlay.without)
  const merge = <Entry extends { id: string }>(under: Entry[], over: Entry[]): Entry[] => {
    const entries = new Map(under.map(entry => [entry.id, entry]))
    for (const entry of over) entries.set(entry.id, entry)
    return [...entries.values()].filter(({ id }) => !without.has(id))
  }
  return {
    ...bundle,
    sources: { ...bundle.sources, ...overlay.sources },
    qualities: { ...bundle.qualities, ...overlay.qualities },
    grids: { ...bundle.grids, ...overlay.grids },
    providers: merge(bundle.providers, overlay.providers),
    targets: merge(bundle.targets, overlay.targets).filter(({ provider }) => !without.has(provider)),
  }
}

async function readOverlay(text: string | null): Promise<Result<CatalogueOverlay | null, Problem>> {
  if (text === null) return ok(null)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return err({ message: `it is not JSON: ${String(error)}`, line: null })
  }
  const parsed = catalogueOverlay.safeParse(json)
  if (parsed.success) return ok(parsed.data)
  const [issue] = parsed.error.issues
  return err({ message: `${issue?.path.join('.')}: ${issue?.message}`, line: null })
}
