/**
 * The router from a bundle, on what `wrangler dev` itself stands on (Miniflare and workerd, with the same files under the same state
 * directory), without building it again and without the development server before it: a start is most of what many tests cost, and the
 * kill loop has hundreds. A program of its own, so that SIGKILL ends all of it. `start.ts` starts it with the folder of `bundle.ts`, tells it by
 * messages when to begin and on what, and asks it for what lies behind the router's bindings.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type * as miniflare from 'miniflare'
import type { Bundle } from './bundle.ts'

/** The first message. Until it comes everything is ready but the state, so that a spare one takes over sooner than a new one. */
export type Begin = { state_dir: string; vars_file: string; port: number }
/** Those after it, numbered, so that answers find their questions. */
export type Question = { id: number } & ({ put: Record<string, string> } | { query: string })
export type Answer = { id: number; rows: unknown[]; failed?: string }

const here = createRequire(import.meta.url)
const { Miniflare, convertV4MiniflareOptions } = createRequire(here.resolve('wrangler'))('miniflare') as typeof miniflare

const folder = process.argv[2] ?? ''
const { options, modules } = JSON.parse(readFileSync(join(folder, 'bundle.json'), 'utf8')) as Bundle
const files = modules.map(({ type, file }) => ({ type, path: join(folder, file), contents: readFileSync(join(folder, file)) }))
// Whoever started it is gone, and cannot stop it any more.
process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'))
const { state_dir, vars_file, port } = await new Promise<Begin>(resolve => process.once('message', resolve))
const bindings = { ...options.bindings, ...parseEnv(readFileSync(vars_file, 'utf8')) }
const place = { host: '127.0.0.1', port, resourcePersistencePath: join(state_dir, 'v3') }
const workers = [{ ...options, modulesRoot: folder, modules: files, bindings }]
const given = { ...place, cf: false, workers } as unknown as miniflare.V4MiniflareOptions
const runtime = new Miniflare(convertV4MiniflareOptions(given))
console.log(`Ready on ${(await runtime.ready).href}`)

process.on('message', async (question: Question) => {
  const answer: Answer = { id: question.id, rows: [] }
  try {
    if ('put' in question) {
      const kv = await runtime.getKVNamespace('KV')
      for (const [key, value] of Object.entries(question.put)) await kv.put(key, value)
    } else {
      const db = await runtime.getD1Database('DB')
      answer.rows = (await db.prepare(question.query).all()).results
    }
  } catch (error) {
    answer.failed = String(error)
  }
  process.send?.(answer)
})
