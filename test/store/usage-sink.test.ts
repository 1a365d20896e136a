/** A second place for usage rows: every row at least once, D1's books unharmed by its failures. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { flush, ROWS_AT_ONCE } from '../../worker/store/usage-flush.ts'
import { UsageJournal } from '../../worker/store/usage-journal.ts'
import { bucketSink, sinkOf } from '../../worker/store/usage-sink.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const object = (org: string) => env.USAGE.getByName(org)
const rows = async () => (await env.DB.prepare('SELECT decision_id FROM usage ORDER BY decision_id').all<{ decision_id: string }>()).results

async function files(): Promise<{ key: string; rows: Record<string, unknown>[] }[]> {
  const { objects } = await env.TEST_BUCKET.list({ prefix: 'usage/' })
  return Promise.all(
    objects.map(async ({ key }) => {
      const text = (await (await env.TEST_BUCKET.get(key))?.text()) ?? ''
      return {
        key,
        rows: text
          .trim()
          .split('\n')
          .map(line => JSON.parse(line) as Record<string, unknown>),
      }
    }),
  )
}

describe('a bucket as sink', () => {
  it('gets each batch as a file of JSON lines, with every column by its name', async () => {
    const org = newOrg()
    const intents = [intent({ org }), intent({ org })]
    await object(org).commit(
      batchOf(
        intents,
        intents.map(each => settlement(each)),
      ),
    )
    await runInDurableObject(object(org), async (_, state) => {
      await flush(env.DB, new UsageJournal(state.storage), ROWS_AT_ONCE, Date.now(), bucketSink(env.TEST_BUCKET))
    })
    const [file] = await files()
    expect(file?.key).toMatch(new RegExp(`^usage/\\d{4}-\\d\\d-\\d\\d/${org}/\\d+-\\d+\\.jsonl$`))
    expect(file?.rows).toMatchObject(
      intents.map(({ decision_id }) => ({ decision_id, org, outcome: 'completed', cost_micros: 250, input_tokens: 90 })),
    )
    expect(await rows()).toHaveLength(2)
  })
  it('that is away keeps the rows in the object, and D1 has each once when it is back', async () => {
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one], [settlement(one)]))
    const away = async () => {
      throw new Error('no such bucket')
    }
    const flushed = await runInDurableObject(object(org), async (_, state) => {
      const journal = new UsageJournal(state.storage)
      const first = await flush(env.DB, journal, ROWS_AT_ONCE, Date.now(), away)
      const waiting = journal.backlog
      const second = await flush(env.DB, journal, ROWS_AT_ONCE, Date.now(), bucketSink(env.TEST_BUCKET))
      return [first.flushed, waiting, second.flushed, journal.backlog]
    })
    expect(flushed).toEqual(['failed', true, 'done', false])
    expect([await rows(), (await files()).flatMap(file => file.rows)]).toMatchObject([
      [{ decision_id: one.decision_id }],
      [{ decision_id: one.decision_id }],
    ])
  })
  it('is none where none is bound', async () => {
    expect(sinkOf({})).toBeNull()
    const org = newOrg()
    const one = intent({ org })
    await object(org).commit(batchOf([one], [settlement(one)]))
    await runDurableObjectAlarm(object(org))
    expect([await rows(), await files()]).toEqual([[{ decision_id: one.decision_id }], []])
  })
})
