/**
 * Stands in for a KV namespace under plain workerd: the runtime turns `env.KV.get()` into HTTP calls, and this worker
 * answers them from memory, filled from `seed.txt` beside its bundle. As strict as KV on keys, times and sizes, without
 * its delays: what is measured is the router, which must not wait for KV anyway.
 */
import seed from './seed.txt'

type Entry = { value: string; metadata: string | null; until_s: number }
const KEY_BYTES_MAX = 512
const TTL_MIN_S = 60
const CACHE_TTL_MIN_S = 30
const LIST_MAX = 1_000
const BULK_MAX = 100

const entries = new Map<string, Entry>(
  Object.entries(JSON.parse(seed) as Record<string, string>).map(([key, value]) => [
    key,
    { value, metadata: null, until_s: Number.POSITIVE_INFINITY },
  ]),
)

const refusal = (status: number, message: string) => new Response(message, { status, statusText: message })
const nowSeconds = () => Math.floor(Date.now() / 1_000)

function found(key: string): Entry | null {
  const entry = entries.get(key)
  return entry === undefined || entry.until_s <= nowSeconds() ? null : entry
}

function problemOf(key: string): string | null {
  if (key === '' || key === '.' || key === '..') return 'Illegal key name'
  return new TextEncoder().encode(key).length > KEY_BYTES_MAX ? 'Key too long' : null
}

function get(key: string, query: URLSearchParams): Response {
  const cache_ttl_s = query.get('cache_ttl')
  if (cache_ttl_s !== null && !(Number(cache_ttl_s) >= CACHE_TTL_MIN_S)) return refusal(400, `Invalid cache_ttl of ${cache_ttl_s}`)
  const entry = found(key)
  if (entry === null) return refusal(404, 'Not Found')
  const headers = new Headers()
  if (entry.metadata !== null) headers.set('CF-KV-Metadata', entry.metadata)
  if (entry.until_s !== Number.POSITIVE_INFINITY) headers.set('CF-Expiration', String(entry.until_s))
  return new Response(entry.value, { headers })
}

async function put(key: string, request: Request, query: URLSearchParams): Promise<Response> {
  // Taken even where it is refused: a body that nobody reads holds up the caller.
  const value = await request.text()
  const ttl_s = query.get('expiration_ttl')
  const expiration_s = query.get('expiration')
  const until_s = ttl_s !== null ? nowSeconds() + Number(ttl_s) : expiration_s !== null ? Number(expiration_s) : Number.POSITIVE_INFINITY
  if (!(until_s >= nowSeconds() + TTL_MIN_S)) return refusal(400, 'An expiration must be at least 60 seconds in the future')
  entries.set(key, { value, metadata: request.headers.get('CF-KV-Metadata'), until_s })
  return new Response()
}

async function bulkGet(request: Request): Promise<Response> {
  const { keys, type, withMetadata } = (await request.json()) as { keys: string[]; type?: string; withMetadata?: boolean }
  if (keys.length < 1 || keys.length > BULK_MAX) return refusal(400, `You can request 1 to ${BULK_MAX} keys`)
  const answer: Record<string, unknown> = {}
  for (const key of keys) {
    const entry = found(key)
    const value = entry === null ? null : type === 'json' ? JSON.parse(entry.value) : entry.value
    answer[key] = value !== null && withMetadata ? { value, metadata: entry?.metadata ? JSON.parse(entry.metadata) : null } : value
  }
  return Response.json(answer)
}

function list(query: URLSearchParams): Response {
  const limit = Number(query.get('key_count_limit') ?? LIST_MAX)
  if (!(limit >= 1 && limit <= LIST_MAX)) return refusal(400, `Invalid key_count_limit of ${limit}`)
  const prefix = query.get('prefix') ?? ''
  const after = query.get('cursor') ?? ''
  const names = [...entries.keys()].filter(name => name.startsWith(prefix) && name > after && found(name) !== null).sort()
  const page = names.slice(0, limit).map(name => ({ name, metadata: found(name)?.metadata ?? undefined }))
  const complete = names.length <= limit
  return Response.json({ keys: page, list_complete: complete, cacheStatus: null, ...(complete ? {} : { cursor: page.at(-1)?.name }) })
}

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === '/bulk/get') return bulkGet(request)
    if (url.pathname === '/') return list(url.searchParams)
    const written = url.pathname.slice(1)
    const key = url.searchParams.get('urlencoded') === 'true' ? decodeURIComponent(written) : written
    const problem = problemOf(key)
    if (problem !== null) return refusal(400, problem)
    if (request.method === 'GET') return get(key, url.searchParams)
    if (request.method === 'PUT') return put(key, request, url.searchParams)
    entries.delete(key)
    return new Response()
  },
}
