/** Questions to usage, with rows that an upstream, a caller or an attacker may have named. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Intent, Settlement } from '../../../worker/schema/usage.ts'
import { intendedHalf, rowOf, settledHalf, USAGE_COLUMNS } from '../../../worker/store/usage-row.ts'
import { intent, settlement } from '../../store/fixture.ts'
import { adminOf, ask, emptyRouter, told } from './asking.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const HOUR_MS = 3_600_000
const RANGE = 'from=2026-11-20&to=2026-11-23'

async function row(of: Partial<Intent>, ended: Partial<Settlement> = {}): Promise<string> {
  const one = intent({ at_ms: NOON, ...of })
  const halves = rowOf(intendedHalf(one), settledHalf(settlement(one, ended)))
  const values = { ...halves, attempts: '[]', losses: halves.losses && JSON.stringify(halves.losses) } as Record<
    string,
    string | number | null
  >
  const marks = USAGE_COLUMNS.map(() => '?').join(', ')
  await env.DB.prepare(`INSERT INTO usage (${USAGE_COLUMNS.join(', ')}) VALUES (${marks})`)
    .bind(...USAGE_COLUMNS.map(column => values[column] ?? null))
    .run()
  return one.decision_id
}

type Sum = Record<string, string | number | null>
type Page = { rows: Sum[]; cursor: string | null }
let key: string
const sums = (query: string) => told<Page>('GET', `/admin/v1/usage?${RANGE}&${query}`, { key })
const rows = (query: string) => told<Page>('GET', `/admin/v1/usage/rows?${RANGE}&${query}`, { key })

beforeAll(async () => {
  await emptyRouter()
  key = await adminOf('viewer')
  await row({ org: 'acme', team: 'web' }, { cost_micros: 100, target: 'demo/small', provider: 'demo' })
  await row({ org: 'acme', team: null, at_ms: NOON + HOUR_MS }, { cost_micros: null, target: 'demo/large', provider: 'demo' })
  await row({ org: 'acme', team: null, at_ms: NOON + 24 * HOUR_MS }, { cost_micros: 0, outcome: 'failed', target: null, provider: null })
  await row({ org: 'other', team: 'web', task: 'summary' }, { cost_micros: 7, outcome: 'caller_left' })
  await row({ org: 'evil', requested_model: '=HYPERLINK("https://evil.example","x")', team: '@SUM(1+9)' }, { target: 'demo/small' })
})

describe('sums', () => {
  it('are by day where nothing else is asked', async () => {
    const { rows } = await sums('')
    expect(rows.map(({ day, requests }) => [day, requests])).toEqual([
      ['2026-11-20', 4],
      ['2026-11-21', 1],
    ])
  })
  it('tell what is known and how often it is not', async () => {
    expect((await sums('group_by=org&org=acme')).rows).toMatchObject([
      { org: 'acme', requests: 3, completed: 2, failed: 1, cost_micros: 100, cost_unknown: 1, input_tokens: 270 },
    ])
  })
  it.each([
    ['hour', 'org=acme', ['2026-11-20T12:00:00Z', '2026-11-20T13:00:00Z', '2026-11-21T12:00:00Z']],
    ['target', 'org=acme', [null, 'demo/large', 'demo/small']],
    ['team', 'org=acme', [null, 'web']],
    ['provider', 'org=acme', [null, 'demo']],
    ['outcome', 'org=other', ['caller_left']],
    ['task', 'task=summary', ['summary']],
    ['policy', 'org=other', ['default']],
    ['key', 'org=other', ['abcdefghijk']],
  ])('may be by %s', async (group, filter, values) => {
    expect((await sums(`group_by=${group}&${filter}`)).rows.map(sum => sum[group])).toEqual(values)
  })
  it('may be by several, in pages that lose and repeat nothing', async () => {
    const all = (await sums('group_by=day,team,target')).rows
    const paged: Sum[] = []
    let cursor = ''
    do {
      const page = await sums(`group_by=day,team,target&limit=2${cursor && `&cursor=${cursor}`}`)
      paged.push(...page.rows)
      cursor = page.cursor ?? ''
    } while (cursor)
    expect(paged).toEqual(all)
    expect(all.length).toBeGreaterThan(4)
  })
  it.each([
    'group_by=nothing',
    'group_by=day,day',
    'group_by=day,hour,org,team,key',
    "group_by=day'--",
    'cursor=x',
    'from=2026-13-40',
    'from=2026-11-24&to=2026-11-20',
    'limit=0',
    'limit=1e9',
    'format=xml',
  ])('are not asked for by %s', async query => {
    expect((await ask('GET', `/admin/v1/usage?${query}`, { key })).status).toBe(400)
  })
  it('take what is asked for as a value and never as SQL', async () => {
    for (const evil of ["' OR 1=1 --", "acme'; DROP TABLE usage; --", '%', '\u0000'])
      expect((await sums(`group_by=org&org=${encodeURIComponent(evil)}`)).rows).toEqual([])
    expect((await sums('group_by=org')).rows).toHaveLength(3)
  })
})

describe('losses', () => {
  const CACHE = {
    loss: 'messages[].content[].cache_control',
    how: 'dropped' as const,
    count: 2,
    field: 'messages[0].content[0].cache_control',
  }
  const SEED = { loss: 'seed', how: 'dropped' as const, count: 1, field: 'seed' }
  beforeAll(async () => {
    await row({ org: 'lossy' }, { losses: [CACHE, SEED] })
    await row({ org: 'lossy' }, { losses: [SEED] })
    await row({ org: 'lossy' })
  })
  it('are counted by request', async () => {
    expect((await sums('group_by=org&org=lossy')).rows).toMatchObject([{ requests: 3, lossy: 2 }])
  })
  it('are summed by what was lost, a request of several under each', async () => {
    const { rows } = await sums('group_by=loss&org=lossy')
    expect(rows.map(({ loss, requests, lossy }) => [loss, requests, lossy])).toEqual([
      [null, 1, 0],
      [CACHE.loss, 1, 1],
      ['seed', 2, 2],
    ])
  })
  it('can be asked for, also as the rows behind them', async () => {
    expect((await sums(`group_by=target&org=lossy&loss=${encodeURIComponent(CACHE.loss)}`)).rows).toMatchObject([{ requests: 1 }])
    const found = await rows('org=lossy&loss=seed')
    expect(found.rows.map(({ losses }) => JSON.parse(String(losses)))).toContainEqual([SEED])
    expect(found.rows).toHaveLength(2)
  })
  it('page by page lose and repeat nothing', async () => {
    const paged: Sum[] = []
    for (let cursor = '', more = true; more; ) {
      const page = await sums(`group_by=loss,target&org=lossy&limit=1${cursor && `&cursor=${cursor}`}`)
      paged.push(...page.rows)
      cursor = page.cursor ?? ''
      more = cursor !== ''
    }
    expect(paged).toEqual((await sums('group_by=loss,target&org=lossy')).rows)
  })
})

describe('rows', () => {
  it('are newest first, and in pages', async () => {
    const first = await rows('limit=2')
    const second = await rows(`limit=100&cursor=${first.cursor}`)
    const all = [...first.rows, ...second.rows]
    expect(new Set(all.map(each => each.decision_id)).size).toBe(8)
    expect(all.map(each => Number(each.at_ms))).toEqual(all.map(each => Number(each.at_ms)).sort((a, b) => b - a))
    expect(second.cursor).toBeNull()
  })
  it('as decisions are brief', async () => {
    const { decisions } = await told<{ decisions: Sum[] }>('GET', `/admin/v1/decisions?${RANGE}&org=other`, { key })
    expect(decisions).toMatchObject([{ org: 'other', outcome: 'caller_left', cost_micros: 7 }])
  })
})

describe('decisions, as they are stored', () => {
  type Pages = { pages: { id: number; org: string; shared: unknown[]; records: object }[]; cursor: string | null }
  const page = (id: number, org: string, at_ms: number, records: string) =>
    env.DB.prepare('INSERT INTO decision_pages VALUES (?1, ?2, ?3, ?4, ?5)').bind(id, org, at_ms, '[{"limits":{}}]', records).run()
  const asked = (query: string) => told<Pages>('GET', `/admin/v1/decision-pages?${query}`, { key })
  const whole = async (query: string) => {
    const ids: number[] = []
    let most = 0
    for (let cursor = '', more = true; more; ) {
      const { pages, cursor: next } = await asked(`${query}${cursor && `&cursor=${cursor}`}`)
      ids.push(...pages.map(({ id }) => id))
      most = Math.max(most, pages.length)
      more = next !== null
      cursor = next ?? ''
    }
    return { ids, most }
  }
  beforeAll(async () => {
    for (let id = 1; id <= 5; id++) await page(id, id % 2 ? 'paged' : 'else', NOON + id * HOUR_MS, `{"dec_${id}":[0,{"draw":0.5}]}`)
  })
  it('come in the order they were written, each once, of those who were asked for', async () => {
    expect(await whole('limit=2')).toEqual({ ids: [1, 2, 3, 4, 5], most: 2 })
    expect(await whole('limit=2&org=paged')).toEqual({ ids: [1, 3, 5], most: 2 })
    expect(await whole('from=2026-11-20T14:00Z&to=2026-11-20T16:00Z')).toEqual({ ids: [2, 3], most: 2 })
    expect((await asked('limit=1')).pages).toEqual([
      { id: 1, org: 'paged', at_ms: NOON + HOUR_MS, shared: [{ limits: {} }], records: { dec_1: [0, { draw: 0.5 }] } },
    ])
  })
  it('are JSON lines that hold the same', async () => {
    const answer = await ask('GET', '/admin/v1/decision-pages?format=jsonl&org=paged', { key })
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await answer.text()).split('\n').slice(0, -1)
    expect(lines.map(line => JSON.parse(line))).toEqual((await asked('org=paged')).pages)
    expect(answer.headers.get('x-signalbox-cursor')).toBe((await asked('org=paged')).cursor)
  })
  it('are fewer at once where they are large, and never none', async () => {
    for (let id = 11; id <= 15; id++) await page(id, 'large', NOON, `{"dec_${id}":[0,"${'x'.repeat(id === 12 ? 1_900_000 : 1_500_000)}"]}`)
    expect(await whole('org=large')).toEqual({ ids: [11, 12, 13, 14, 15], most: 2 })
  })
  it.each(['limit=21', 'cursor=abc', 'format=csv', 'from=yesterday'])('are refused where %s is asked', async query => {
    expect((await ask('GET', `/admin/v1/decision-pages?${query}`, { key })).status).toBe(400)
  })
})

describe('an export', () => {
  const exported = (path: string) => ask('GET', `/admin/v1/${path}`, { key })

  it('as CSV gives a spreadsheet nothing to run', async () => {
    const response = await exported(`usage/rows?${RANGE}&format=csv`)
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="usage-rows.csv"')
    const text = await response.text()
    expect(text.split('\r\n')).toHaveLength(10)
    expect(text).toContain(`"'=HYPERLINK(""https://evil.example"",""x"")"`)
    expect(text).toContain(`'@SUM(1+9)`)
    for (const cell of text.split(/[,\r\n]+/)) expect(cell).not.toMatch(/^"?[=+@\t]/)
  })
  it('as JSON lines has an object a line, and says where the next page begins', async () => {
    const response = await exported(`usage/rows?${RANGE}&format=jsonl&limit=2`)
    const lines = (await response.text()).trimEnd().split('\n')
    expect(lines.map(line => Object.keys(JSON.parse(line)).length > 20)).toEqual([true, true])
    expect(response.headers.get('x-signalbox-cursor')).toMatch(/^[\w-]+$/)
  })
  it('of sums has the groups first', async () => {
    const text = await (await exported(`usage?${RANGE}&group_by=org,day&format=csv`)).text()
    expect(text.split('\r\n')[0]).toMatch(/^org,day,requests,completed,/)
  })
})
