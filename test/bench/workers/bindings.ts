/**
 * Uses every kind of binding that the router uses, so that the stand-ins can be tested without it: a KV namespace, a D1
 * database and a Durable Object with SQLite. Each path does one thing and says what came of it.
 */
import { DurableObject } from 'cloudflare:workers'

type Bindings = { KV: KVNamespace; DB: D1Database; COUNTER: DurableObjectNamespace<Counter> }

export class Counter extends DurableObject {
  next(): number {
    this.ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS counts (id INTEGER PRIMARY KEY, n INTEGER)')
    return this.ctx.storage.sql
      .exec<{ n: number }>('INSERT INTO counts VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1 RETURNING n')
      .one().n
  }
}

const PATHS: Record<string, (env: Bindings) => Promise<unknown>> = {
  '/seeded': ({ KV }) => KV.get('policy/default'),
  '/absent': ({ KV }) => KV.get('policy/none'),
  '/written': async ({ KV }) => {
    await KV.put('a key/with ü', '{"n":1}', { metadata: { by: 'test' }, expirationTtl: 60 })
    return KV.getWithMetadata('a key/with ü', 'json')
  },
  '/many': ({ KV }) => KV.get(['policy/default', 'policy/none']).then(found => Object.fromEntries(found)),
  '/listed': ({ KV }) => KV.list({ prefix: 'policy/' }).then(({ keys }) => keys.map(({ name }) => name)),
  '/too-soon': ({ KV }) => KV.put('key', 'value', { expirationTtl: 59 }),
  '/row': async ({ DB }) => {
    await DB.batch([
      DB.prepare('INSERT INTO things (name, n) VALUES (?1, ?2)').bind('one', 1),
      DB.prepare('INSERT INTO things (name) VALUES (?1)').bind('two'),
    ])
    return DB.prepare('SELECT name, n FROM things ORDER BY name')
      .all()
      .then(({ results }) => results)
  },
  '/half-a-batch': ({ DB }) =>
    DB.batch([DB.prepare("INSERT INTO things (name) VALUES ('three')"), DB.prepare('INSERT INTO nowhere VALUES (1)')]),
  '/rows': ({ DB }) => DB.prepare('SELECT count(*) AS n FROM things').first('n'),
  '/counted': ({ COUNTER }) => COUNTER.get(COUNTER.idFromName('one')).next(),
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    try {
      return Response.json((await PATHS[new URL(request.url).pathname]?.(env)) ?? null)
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 })
    }
  },
}
