/**
 * An upstream that does as badly as it is told. It is raw TCP, so that it can reset a connection, stop in the middle of a
 * chunk, or say nothing at all, and it notes what it was sent, when, and whether the router hung up on it.
 *
 * What it does with a request is chosen by the request's `model`: each model has a list of behaviours, one for each request
 * in turn, the last of them for all that follow.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Attempt = {
  model: string
  at_ms: number
  method: string
  path: string
  headers: Record<string, string>
  body: string
  /** When the router closed the connection before the answer was complete; null where it did not. */
  hung_up_after_ms: number | null
  /** The upstream has said all it was told to say. */
  done: boolean
}
export type Exchange = { socket: Socket; attempt: Attempt; stopped: AbortSignal }
export type Behaviour = (exchange: Exchange) => Promise<void>

export type FaultUpstream = {
  url: string
  attempts: Attempt[]
  of(model: string): Attempt[]
  does(model: string, ...behaviours: Behaviour[]): void
  stop(): Promise<void>
}

export async function startUpstream(): Promise<FaultUpstream> {
  const attempts: Attempt[] = []
  const scripts = new Map<string, Behaviour[]>()
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    // The router resets connections that it has given up on; that is what some rows are about.
    socket.on('error', () => {})
    serve(socket, attempts, scripts)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    attempts,
    of: model => attempts.filter(attempt => attempt.model === model),
    does: (model, ...behaviours) => scripts.set(model, behaviours),
    stop: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

/** Requests on one connection, one behind the other. */
function serve(socket: Socket, attempts: Attempt[], scripts: Map<string, Behaviour[]>): void {
  let waiting = Buffer.alloc(0)
  let busy = false
  const next = () => {
    const head_end = waiting.indexOf('\r\n\r\n')
    if (busy || head_end < 0) return
    const [line = '', ...fields] = waiting.subarray(0, head_end).toString('latin1').split('\r\n')
    const headers = Object.fromEntries(
      fields.map((field: string) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
    )
    const end = head_end + 4 + Number(headers['content-length'] ?? 0)
    if (waiting.length < end) return
    const body = waiting.subarray(head_end + 4, end).toString('utf8')
    waiting = waiting.subarray(end)
    const [method = '', path = ''] = line.split(' ')
    const model = modelIn(body)
    const attempt: Attempt = { model, at_ms: Date.now(), method, path, headers, body, hung_up_after_ms: null, done: false }
    attempts.push(attempt)
    const script = scripts.get(model) ?? [status(404, '{"error":{"message":"no such model"}}')]
    const behaviour = script.length > 1 ? script.shift() : script[0]
    busy = true
    const stopped = new AbortController()
    const onClose = () => {
      attempt.hung_up_after_ms = Date.now() - attempt.at_ms
      stopped.abort()
    }
    socket.once('close', onClose)
    behaviour?.({ socket, attempt, stopped: stopped.signal }).then(
      () => {
        socket.off('close', onClose)
        attempt.done = true
        busy = false
        next()
      },
      () => {
        // A wait that ends because the router hung up rejects: there is nobody to go on for.
      },
    )
  }
  socket.on('data', chunk => {
    waiting = Buffer.concat([waiting, chunk])
    next()
  })
}

function modelIn(body: string): string {
  try {
    return String(JSON.parse(body).model)
  } catch {
    return ''
  }
}

/** Resolves once written. A behaviour whose router hung up stops here. */
function write({ socket, stopped }: Exchange, bytes: string | Buffer): Promise<void> {
  stopped.throwIfAborted()
  return new Promise((resolve, reject) => socket.write(bytes, error => (error ? reject(error) : resolve())))
}
const pause = ({ stopped }: Exchange, wait_ms: number) => sleep(wait_ms, undefined, { signal: stopped })
const chunked = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const headOf = (code: number, headers: Record<string, string>) =>
  `HTTP/1.1 ${code} Whatever\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`

export const SSE_HEAD = headOf(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' })
export const chunk = (rest: object) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-f', object: 'chat.completion.chunk', created: 1, model: 'm', ...rest })}\n\n`
export const ROLE = chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
export const token = (text: string) => chunk({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })
export const FINISH = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
export const USAGE = chunk({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 } })
export const DONE = 'data: [DONE]\n\n'
export const CALL = chunk({
  choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a' } }] } }],
})
export const tokens = (count: number) => Array.from({ length: count }, (_, i) => token(`t${i} `))
/** A whole good stream of this many tokens. */
export const good = (count: number) => [ROLE, ...tokens(count), FINISH, DONE]
export const completion = (text: string) =>
  JSON.stringify({
    id: 'chatcmpl-f',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
  })

/** A whole reply with a status. */
export const status =
  (code: number, body: string, headers: Record<string, string> = {}): Behaviour =>
  exchange =>
    write(
      exchange,
      headOf(code, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers }) + body,
    )

/** These bytes: a whole reply where no headers are given, else the body of one that ends with the connection. */
export const raw =
  (bytes: string | Buffer, headers?: Record<string, string>): Behaviour =>
  async exchange => {
    if (headers) await write(exchange, headOf(200, { ...headers, connection: 'close' }))
    await write(exchange, bytes)
    exchange.socket.end()
  }

/** What a provider says in the middle of a stream that it cannot go on with. */
export const overloaded = (before: string) => `${before}data: {"error":{"message":"Overloaded","type":"overloaded_error","code":529}}\n\n`

/** Says how long its reply is, and closes in the middle of it. */
export const cutShort =
  (body: string): Behaviour =>
  async exchange => {
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
    await write(exchange, headOf(200, headers) + body.slice(0, body.length / 2))
    exchange.socket.destroy()
  }

/** A good answer, in the form that was asked for. */
export const answers =
  (text: string): Behaviour =>
  exchange =>
    JSON.parse(exchange.attempt.body).stream ? events(ROLE, token(text), FINISH, DONE)(exchange) : status(200, completion(text))(exchange)

/** What may stand in a stream: text, a wait, or how it ends. Without an end it ends well. */
export type Piece = string | { wait_ms: number } | 'RESET' | 'CLOSE' | 'FOREVER'

export const events = (...pieces: Piece[]): Behaviour => piecesAfter(SSE_HEAD, pieces)
/** The same, but late. */
export const later =
  (wait_ms: number, behaviour: Behaviour): Behaviour =>
  async exchange => {
    await pause(exchange, wait_ms)
    await behaviour(exchange)
  }
/** Nothing at all, or nothing after the headers. */
export const silence: Behaviour = exchange => pause(exchange, 600_000)
export const reset: Behaviour = async ({ socket }) => {
  socket.resetAndDestroy()
}

function piecesAfter(head: string, pieces: Piece[]): Behaviour {
  return async exchange => {
    await write(exchange, head)
    for (const piece of pieces) {
      if (piece === 'RESET') return void exchange.socket.resetAndDestroy()
      if (piece === 'CLOSE') return void exchange.socket.destroy()
      if (piece === 'FOREVER') await pause(exchange, 600_000)
      else if (typeof piece === 'object') await pause(exchange, piece.wait_ms)
      else await write(exchange, chunked(piece))
    }
    await write(exchange, '0\r\n\r\n')
  }
}

export const pings =
  (every_ms: number): Behaviour =>
  async exchange => {
    await write(exchange, SSE_HEAD)
    for (;;) {
      await write(exchange, chunked(': ping\n\n'))
      await pause(exchange, every_ms)
    }
  }
