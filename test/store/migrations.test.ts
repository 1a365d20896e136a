/** Migrations run forward only, from any state a database was ever in to the newest, and lose no row on the way. */
import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { emptyStorage } from './fixture.ts'

beforeEach(reset)
afterAll(emptyStorage)

const migrations = env.TEST_MIGRATIONS
const shape = async () =>
  (
    await env.DB.prepare(
      "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'd1_%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY type, name",
    ).all()
  ).results

/** Columns that the first migration has, and so every later one. */
const insert = (id: string, cost: number | null) =>
  env.DB.prepare(
    `INSERT INTO usage (decision_id, at_ms, settled_at_ms, org, key_id, team, dialect, endpoint, requested_model, policy, policy_version, task, stream,
       planned_target, planned_provider, outcome, target, input_tokens, output_tokens, usage_estimated, cost_micros, attempts)
     VALUES (?1, 1795521600000, 1795521601000, 'acme', 'abcdefghijk', NULL, 'openai-chat', '/v1/chat/completions', 'auto', 'default', '0', 'other', 0,
       'a/b', 'a', 'completed', 'a/b', 10, 20, 0, ?2, '[]')`,
  )
    .bind(id, cost)
    .run()

describe('the migrations', () => {
  it('are numbered one after the other, without a gap', () => {
    expect(migrations.map(({ name }) => Number(name.slice(0, 4)))).toEqual(migrations.map((_, i) => i + 1))
  })
  it.each(migrations.map(({ name }, i) => [name, i + 1]))('go on from a database that stopped at %s', async (_, upTo) => {
    await applyD1Migrations(env.DB, migrations.slice(0, upTo))
    await insert('dec_before', 7)
    await applyD1Migrations(env.DB, migrations)
    await insert('dec_after', null)
    const upgraded = await shape()
    const { results } = await env.DB.prepare('SELECT decision_id, cost_micros FROM usage ORDER BY decision_id').all()
    expect(results).toEqual([
      { decision_id: 'dec_after', cost_micros: null },
      { decision_id: 'dec_before', cost_micros: 7 },
    ])
    const daily = await env.DB.prepare('SELECT requests, cost_micros, cost_unknown, input_tokens FROM usage_daily').all()
    expect(daily.results).toEqual([{ requests: 2, cost_micros: 7, cost_unknown: 1, input_tokens: 20 }])
    await reset()
    await applyD1Migrations(env.DB, migrations)
    expect(upgraded).toEqual(await shape())
  })
})
