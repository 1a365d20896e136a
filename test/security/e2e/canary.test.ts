/**
 * Every secret of a router is planted as a canary, the router is put through what may go wrong with it, and then everything that it stored,
 * said and answered is searched: databases, objects and KV byte by byte, its log, its replies. That the search reaches each of these
 * places is shown by a word that is no secret and lies in all of them.
 */
import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localAdminKey } from '../../../worker/cli/local.ts'
import { PROJECT } from '../../../worker/cli/wrangler.ts'
import { chatTarget, localProvider } from '../../e2e/overlay.ts'
import { startServer, type TestServer } from '../../e2e/server.ts'
import { startDevServer } from '../../e2e/start.ts'
import { canary, filesUnder, findIn, MARK, OPERATORS_OWN } from '../canary.ts'

const WORD = 'NoSecretButFindable'
const OURS = canary('provider', 'sk-proj-')
const BROUGHT = canary('brought', 'sk-')
const PRIVATE = canary('prompt')
const OVERLAY = {
  providers: [localProvider('north', 'openai-chat', 'NORTH_URL', { auth: { style: 'bearer', secret: 'NORTH_KEY' } })],
  targets: [chatTarget('north', 'star')],
}

let upstream: Server
let server: TestServer
let admin: string
const lines: string[] = []
const replies: string[] = []
/** Keys that were shown once: the ones who made them have them, nobody else may. */
const shown: string[] = []
let behave: (request: IncomingMessage, response: ServerResponse, asked: string) => void = answer

beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    behave(request, response, text)
  })
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const address = upstream.address()
  server = await startServer({
    startWith: startDevServer,
    vars: {
      NORTH_URL: `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}/v1`,
      NORTH_KEY: OURS,
      OPENAI_API_KEY: canary('openai', 'sk-'),
    },
    onLine: line => lines.push(line),
  })
  await server.putKv('catalogue/overlay', JSON.stringify(OVERLAY))
  admin = localAdminKey({ state_dir: server.state_dir, vars_file: join(server.state_dir, 'vars') }) ?? ''
})
afterAll(async () => {
  upstream?.close()
  await server?.stop()
})

function answer(_: IncomingMessage, response: ServerResponse, asked: string): void {
  const head = { id: 'chatcmpl-1', created: 1, model: 'star' }
  const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }
  if (!JSON.parse(asked).stream) {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'Good.' }, finish_reason: 'stop' }]
    response.setHeader('content-type', 'application/json')
    response.setHeader('x-request-key', OURS)
    response.setHeader('set-cookie', `session=${OURS}`)
    return void response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }))
  }
  response.setHeader('content-type', 'text/event-stream')
  for (const [delta, finish_reason] of [
    [{ role: 'assistant', content: 'Good.' }, null],
    [{}, 'stop'],
  ] as const)
    response.write(
      `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
    )
  response.end('data: [DONE]\n\n')
}

type Asked = { key?: string; headers?: Record<string, string>; body?: unknown }
async function ask(method: string, path: string, { key = server.key, headers = {}, body }: Asked = {}): Promise<string> {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const response = await fetch(`${server.url}${path}`, {
    method,
    redirect: 'manual',
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...sent,
  })
  const text = `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
  replies.push(text)
  return text
}
const chat = (more: object = {}, asked: Asked = {}) =>
  ask('POST', '/v1/chat/completions', {
    body: { model: 'north/star', messages: [{ role: 'user', content: `Keep this: ${PRIVATE}` }], ...more },
    ...asked,
  })

/** The command, with something on its standard input. */
function command(args: string[], input: string): Promise<string> {
  const env = { ...process.env, SIGNALBOX_URL: server.url, SIGNALBOX_ADMIN_KEY: admin }
  const child = spawn(process.execPath, [join(PROJECT, 'worker/cli/signalbox.js'), ...args], { cwd: PROJECT, env })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      said += chunk
    })
  child.stdin.end(input)
  return new Promise(resolve =>
    child.on('close', () => {
      replies.push(said)
      resolve(said)
    }),
  )
}

const FAILURES: Record<string, typeof behave> = {
  'an error that quotes the key': (request, response) => {
    response.statusCode = 401
    response.end(
      JSON.stringify({
        error: { message: `Incorrect API key provided: ${request.headers.authorization}`, code: `key_${OURS}`, param: OURS },
      }),
    )
  },
  'an error in the caller’s fields that quotes the prompt and the key': (request, response, asked) => {
    response.statusCode = 400
    response.end(JSON.stringify({ error: { message: `${request.headers.authorization} sent ${asked}`, code: 'bad', type: OURS } }))
  },
  'an error as a page': (request, response) => {
    response.statusCode = 502
    response.end(`<html><title>${request.headers.authorization}</title></html>`)
  },
  'a redirect to an address with the key in it': (_, response) => {
    response.writeHead(302, { location: `https://evil.example/?key=${OURS}` })
    response.end()
  },
  'an error within a 200': (_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ error: { message: `overloaded, key ${OURS}`, code: OURS } }))
  },
  'no JSON at all, but the key': (_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(OURS)
  },
  'a type of answer with the key in it': (_, response) => {
    response.setHeader('content-type', `text/${OURS}`)
    response.end('x')
  },
  'a connection that breaks': (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '999' })
    response.write(OURS, () => request.socket.destroy())
  },
}

describe('a router whose every secret is a canary', () => {
  it('answers, in both forms', { timeout: 60_000 }, async () => {
    await expect.poll(async () => (await ask('GET', '/v1/models')).includes('north/star'), { timeout: 40_000 }).toBe(true)
    behave = answer
    expect(await chat()).toContain('Good.')
    expect(await chat({ stream: true })).toContain('Good.')
    expect(await ask('POST', '/v1/route', { body: { model: 'auto', messages: [{ role: 'user', content: PRIVATE }] } })).toContain(
      'would_route',
    )
  })
  it.each(Object.keys(FAILURES))('meets %s', async name => {
    behave = FAILURES[name] ?? answer
    expect(await chat()).toMatch(/^[45]\d\d /)
    expect(await chat({ stream: true })).toMatch(/^[45]\d\d /)
    // Whatever was thought of the target is forgotten, so that the next failure is met as well.
    await ask('POST', '/admin/v1/targets/isolate', { key: admin, body: { target: 'north/star' } })
    await ask('POST', '/admin/v1/targets/restore', { key: admin, body: { target: 'north/star' } })
    await ask('POST', '/admin/v1/targets/credential-changed', { key: admin, body: { target: 'north/star' } })
  })
  it('is asked in ways that are wrong, with keys where they do not belong', async () => {
    behave = answer
    const typed = `${server.key.slice(0, -1)}${server.key.endsWith('a') ? 'b' : 'a'}`
    await ask('GET', '/v1/models', { key: typed })
    await chat({}, { headers: { 'x-api-key': canary('wrong') } })
    await chat({ api_key: canary('in-body'), base_url: `https://${MARK}.example` })
    await chat({ max_tokens: PRIVATE })
    // What a caller calls a model is no secret, and is shown back to it.
    await chat({ model: '../../etc/passwd' })
    await ask('POST', '/v1/chat/completions', { body: `{"model": "auto", "messages": [${PRIVATE}` })
    await ask('PUT', '/admin/v1/provider-keys', {
      key: admin,
      body: { org: 'dev', provider: 'north', value: `${canary('bad')} with blanks` },
    })
    await ask('PUT', '/admin/v1/catalogue/overlay', { key: admin, body: { providers: [{ id: canary('overlay') }] } })
  })
  it('takes a key that a caller brings, by the command’s standard input, and is refused with it', async () => {
    const said = await command(['keys', 'provider', 'set', 'north', '--org', 'dev', '--label', WORD], `${BROUGHT}\n`)
    expect(said).toContain('fingerprint')
    behave = FAILURES['an error that quotes the key'] ?? answer
    await expect.poll(async () => (await chat()).includes('own_key_refused'), { timeout: 90_000, interval: 1_500 }).toBe(true)
    await ask('GET', '/admin/v1/provider-keys', { key: admin })
    await ask('POST', '/admin/v1/provider-keys/rewrap', { key: admin, body: {} })
  }, 120_000)
  it('makes, rotates and revokes keys, each shown once', async () => {
    behave = answer
    const keyIn = (text: string) => {
      const key = text.match(/sk-sb(?:1|adm)_[0-9A-Za-z]{60}/)?.[0] ?? ''
      expect(key).not.toBe('')
      shown.push(key)
      replies.pop()
      return key
    }
    const made = await ask('POST', '/admin/v1/keys', { key: admin, body: { org: 'dev', label: WORD, team: WORD } })
    const key = keyIn(made)
    // The demo says again what it was asked.
    expect(await chat({ model: 'demo/small', messages: [{ role: 'user', content: 'What is the capital of France?' }] }, { key })).toMatch(
      /^200 /,
    )
    const key_id = key.slice('sk-sb1_'.length, 'sk-sb1_'.length + 11)
    keyIn(await ask('POST', `/admin/v1/keys/${key_id}/rotate`, { key: admin, body: { grace_s: 0 } }))
    keyIn(await ask('POST', '/admin/v1/admin-keys', { key: admin, body: { label: WORD, role: 'viewer' } }))
    await ask('GET', `/${WORD}`)
    for (const path of [
      'keys',
      'admin-keys',
      'audit',
      'usage/rows',
      'decisions',
      'targets',
      'policies',
      'catalogue/overlay',
      'orgs',
      'budgets',
    ])
      await ask('GET', `/admin/v1/${path}`, { key: admin })
    await ask('GET', '/health')
  })
  it('has let none of them out: not into its log, its replies, D1, KV or objects', { timeout: 60_000 }, async () => {
    const rows = async () => (await server.query<{ team: string }>(`SELECT team FROM usage WHERE team = '${WORD}'`)).length
    await expect.poll(rows, { timeout: 40_000, interval: 1_000 }).toBeGreaterThan(0)
    const files = filesUnder(server.state_dir, OPERATORS_OWN)
    const places = new Map<string, string | Buffer>([...files, ['log', lines.join('\n')], ['replies', replies.join('\n')]])
    expect(replies.filter(reply => findIn(new Map([['reply', reply]])).length > 0)).toEqual([])
    expect(findIn(places)).toEqual([])
    // Keys that were made here, and the developer's own: their secret parts.
    for (const key of [...shown, server.key, admin]) expect(findIn(places, key.slice(key.indexOf('_') + 12, -6))).toEqual([])
  })
  it('would have been seen to: the search reaches every one of these places', () => {
    const files = filesUnder(server.state_dir, OPERATORS_OWN)
    const found = findIn(new Map<string, string | Buffer>([...files, ['log', lines.join('\n')], ['replies', replies.join('\n')]]), WORD)
    for (const place of [/^v3\/d1\//, /^v3\/kv\//, /^v3\/do\/.*UsageObject/, /^log /, /^replies /])
      expect([place, found.some(each => place.test(each))]).toEqual([place, true])
  })
})

describe('requests that two servers would cut in different places', () => {
  /** Bytes as they are, and what comes back until the server closes or is silent. */
  function raw(text: string): Promise<string> {
    return new Promise(resolve => {
      const { hostname, port } = new URL(server.url)
      const socket = connect(Number(port), hostname, () => socket.write(text))
      let got = ''
      socket.on('data', chunk => {
        got += chunk
      })
      for (const end of ['close', 'error']) socket.on(end, () => resolve(got))
      socket.setTimeout(1_500, () => socket.destroy())
    })
  }
  const inner = 'GET /admin/v1/me HTTP/1.1\r\nhost: x\r\n\r\n'
  const post = (headers: string, body: string) =>
    `POST /v1/route HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${server.key}\r\n${headers}\r\n\r\n${body}`
  it.each([
    ['a length and chunks at once', () => post(`content-length: 5\r\ntransfer-encoding: chunked`, `0\r\n\r\n${inner}`)],
    ['two lengths', () => post(`content-length: 2\r\ncontent-length: ${inner.length}`, `{}${inner}`)],
    ['an obscured transfer-encoding', () => post('transfer-encoding: xchunked\r\ncontent-length: 2', `{}${inner}`)],
    ['a folded header', () => post('x-folded: a\r\n b\r\ncontent-length: 2', '{}')],
    ['a header that ends in a bare line feed', () => post('x-bare: a\ncontent-length: 2', '{}')],
  ])('%s: never an answer to what was hidden inside', async (_, text) => {
    const got = await raw(text())
    // At the edge this is Cloudflare's to refuse. Here: at most one answer, and none of the admin API's.
    expect(got.match(/HTTP\/1\.1 /g)?.length ?? 0).toBeLessThanOrEqual(1)
    expect(got).not.toMatch(/admin_not_set_up|"actor"/)
  })
})
