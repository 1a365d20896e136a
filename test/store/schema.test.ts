/** The tables of SCHEMA.md and the migrations are one thing said twice; this holds them together. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import document from '../../worker/store/SCHEMA.md?raw'
import { USAGE_COLUMNS } from '../../worker/store/usage-row.ts'
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
  it.each(['usage', 'decisions', 'usage_objects', 'audit', 'provider_keys', 'revoked_admins'])(
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

describe('a row of usage', () => {
  it('fills every column', async () => {
    expect([...USAGE_COLUMNS].sort()).toEqual((await columns('usage')).map(({ name }) => name).sort())
  })
})
