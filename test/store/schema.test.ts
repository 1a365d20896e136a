/** The tables of SCHEMA.md and the migrations are one thing said twice; this holds them together. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import document from '../../worker/store/SCHEMA.md?raw'
import { placeOf, USAGE_COLUMNS } from '../../worker/store/usage-row.ts'
import { emptyStorage } from './fixture.ts'

beforeAll(emptyStorage)

const columns = async (table: string) =>
  (await env.DB.prepare('SELECT name, type FROM pragma_table_info(?)').bind(table).all<{ name: string; type: string }>()).results

/** Rows of the table under a heading, as name and type. */
function documented(table: string): { name: string; type: string }[] {
  const section = document.split(`### ${table}\n`)[1]?.split('\n##')[0] ?? ''
  return [...section.matchAll(/^\| (\w+) \| ([A-Z]+) \|/gm)].map(([, name = '', type = '']) => ({ name, type }))
}

describe('SCHEMA.md', () => {
  it.each(['usage', 'usage_daily', 'decision_pages', 'usage_objects', 'books', 'audit', 'provider_keys', 'revoked_admins'])(
    'has the columns of %s as the migrations make them',
    async table => {
      expect(documented(table)).toEqual(await columns(table))
    },
  )

  it('leaves out no table', async () => {
    const { results } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'd1_%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    ).all<{ name: string }>()
    for (const { name } of results) expect(document).toContain(`### ${name}\n`)
  })

  it('names every index', async () => {
    const { results } = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").all<{
      name: string
    }>()
    for (const { name } of results) expect(document).toContain(name)
  })
})

const PLACES = {
  '$[0]':
    'decision_id at_ms org key_id team dialect endpoint requested_model policy policy_version task stream ' +
    'planned_target planned_provider estimated_input_tokens estimated_output_tokens estimated_cost_micros',
  '$[1][0]':
    'settled_at_ms outcome target provider status error_code finish_reason usage_estimated cost_micros energy_wh ' +
    'first_token_ms total_ms attempts losses paid_by own_cost_micros cost_estimated co2e_g energy_confidence',
  '$[1][1]':
    'input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens output_tokens reasoning_tokens ' +
    'audio_input_tokens audio_output_tokens image_input_tokens web_search_calls file_search_calls',
}

describe('a row of usage', () => {
  // An object may hold rows that the version before it wrote: a value is found by its place, so places never change.
  it('keeps each value in its place: what is new is added at the end of its list', () => {
    const lists = Object.entries(PLACES).flatMap(([list, names]) => names.split(' ').map((name, i) => [name, `${list}[${i}]`]))
    expect(USAGE_COLUMNS.map(column => [column, placeOf(column)]).sort()).toEqual(lists.sort())
  })

  it('fills every column', async () => {
    expect([...USAGE_COLUMNS, 'page'].sort()).toEqual((await columns('usage')).map(({ name }) => name).sort())
  })
})
