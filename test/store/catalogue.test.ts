import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import bundled from '../../policies/catalogue.json'
import { type Catalogue, catalogue as catalogueSchema } from '../../worker/schema/catalogue.ts'
import { catalogueStore, OVERLAY_KEY } from '../../worker/store/catalogue.ts'
import { emptyStorage } from './fixture.ts'

const NOW = 1_800_000_000_000
const VARIABLES = { DEMO_TARGETS: 'on' }
let pending: Promise<unknown>[] = []
const ctx = { waitUntil: (promise: Promise<unknown>) => void pending.push(promise) }
const behind = async () => {
  await Promise.all(pending)
  pending = []
}
const store = () => catalogueStore(env.KV, VARIABLES)
const ids = (live: { targets: { id: string }[] }) => live.targets.map(target => target.id)

beforeEach(async () => {
  await emptyStorage()
  pending = []
})

describe('the bundled catalogue', () => {
  it('is already in the form that its schema gives, so that no isolate has to check it', () => {
    expect(catalogueSchema.parse(bundled)).toEqual(bundled)
  })

  it('is compiled once, and is not a promise after the first request', async () => {
    const catalogues = store()
    const first = await catalogues.live(ctx, NOW)
    expect(ids(first)).toContain('demo/small')
    expect(catalogues.live(ctx, NOW + 1)).toBe(first)
  })

  it('has the same version in every isolate, and another where something else is switched on', async () => {
    const version = (await store().live(ctx, NOW)).version
    expect((await store().live(ctx, NOW)).version).toBe(version)
    expect((await catalogueStore(env.KV, {}).live(ctx, NOW)).version).not.toBe(version)
  })

  it('is compiled again when an announced price comes into force', async () => {
    const [demo] = (bundled as unknown as Catalogue).targets.filter(target => target.id === 'demo/small')
    if (!demo) throw new Error('there is no demo/small')
    const price = (from: string, input_micros_per_mtok: number) => ({ ...demo.prices[0], from, input_micros_per_mtok })
    const prices = [price('2020-01-01', 1), price('2027-02-01', 2)] as typeof demo.prices
    const announced = { ...(bundled as unknown as Catalogue), targets: [{ ...demo, prices }] }
    const catalogues = catalogueStore(env.KV, VARIABLES, announced)
    const from_ms = Date.parse('2027-02-01')
    expect((await catalogues.live(ctx, from_ms - 1)).by_id.get('demo/small')?.price?.input_micros_per_mtok).toBe(1)
    catalogues.live(ctx, from_ms)
    await behind()
    expect((await catalogues.live(ctx, from_ms)).by_id.get('demo/small')?.price?.input_micros_per_mtok).toBe(2)
  })
})

describe('an overlay in KV', () => {
  it('leaves out what it says, and is taken up behind a request', async () => {
    const catalogues = store()
    const before = await catalogues.live(ctx, NOW)
    await env.KV.put(OVERLAY_KEY, JSON.stringify({ without: ['demo/small'] }))
    expect(await catalogues.live(ctx, NOW + 60_000)).toBe(before)
    await behind()
    const after = await catalogues.live(ctx, NOW + 60_001)
    expect(ids(after)).not.toContain('demo/small')
    expect(after.version).not.toBe(before.version)
  })

  it('replaces an entry whole, and adds those that are new', async () => {
    const [demo] = bundled.targets.filter(target => target.id === 'demo/small')
    await env.KV.put(
      OVERLAY_KEY,
      JSON.stringify({
        targets: [
          { ...demo, model: 'tiny' },
          { ...demo, id: 'demo/new' },
        ],
      }),
    )
    const { by_id } = await store().live(ctx, NOW)
    expect(by_id.get('demo/small')?.target.model).toBe('tiny')
    expect(by_id.has('demo/new')).toBe(true)
  })

  it('leaves out a provider with all its targets', async () => {
    await env.KV.put(OVERLAY_KEY, JSON.stringify({ without: ['demo'] }))
    expect(ids(await store().live(ctx, NOW))).toEqual([])
  })

  it.each([
    ['is not JSON', '{'],
    ['has an unknown key', '{"tagets":[]}'],
    ['has an entry that does not fit', '{"targets":[{"id":"x"}]}'],
  ])('that %s changes nothing and raises an alarm', async (_, text) => {
    await env.KV.put(OVERLAY_KEY, text)
    const catalogues = store()
    expect(ids(await catalogues.live(ctx, NOW))).toContain('demo/small')
    expect(catalogues.problems()).toEqual([expect.objectContaining({ about: OVERLAY_KEY, since_ms: NOW })])
  })
})
