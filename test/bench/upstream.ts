/**
 * The model provider of the benchmark: one small process on raw sockets that costs about ten microseconds a request, so
 * that it is never what is measured. It speaks just enough HTTP/1.1 to be called by any gateway.
 *
 * Run as a program it prints `{"port": ...}` and serves until its standard input closes, so it cannot outlive its parent.
 */
import { createServer, type Socket } from 'node:net'
import { DIALECTS } from '../../worker/schema/chat.ts'
import { FAILURE, FIXED_DELAY_MS, MODELS, type Model, PACE_MS, streamAnswer, wholeAnswer } from './answers.ts'
import { contentTypeOf, flowOf } from './flows.ts'

const head = (status: string, type: string, framing: string) => `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n`
const whole = (status: string, body: string) =>
  Buffer.from(head(status, 'application/json', `content-length: ${Buffer.byteLength(body)}`) + body)
const STREAM_HEAD = head('200 OK', 'text/event-stream; charset=utf-8', 'transfer-encoding: chunked')
const LAST_CHUNK = '0\r\n\r\n'
/** One HTTP chunk an event, as providers send them. */
const framed = (event: string) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`

const perModel = <Value>(make: (model: Model) => Value) =>
  Object.fromEntries(MODELS.map(model => [model, make(model)])) as Record<Model, Value>
const WHOLE = perModel(model => whole('200 OK', wholeAnswer(model)))
const EVENTS = perModel(model => streamAnswer(model).map(framed))
const BURST = perModel(model => Buffer.from(STREAM_HEAD + EVENTS[model].join('') + LAST_CHUNK))
/** The streams in each format, in one write, as a burst is. */
const FLOWS = new Map(
  DIALECTS.map((from): [string, Buffer] => [
    `bench-${from}`,
    Buffer.concat([
      Buffer.from(head('200 OK', contentTypeOf(from), 'transfer-encoding: chunked')),
      ...flowOf(from).flatMap(event => [Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')]),
      Buffer.from(LAST_CHUNK),
    ]),
  ]),
)
const FAILING = whole('503 Service Unavailable', FAILURE)

/** How often each model was called, so that a failover can be seen from outside. */
const calls = perModel(() => 0)

/** Where the first request in the buffer ends, or -1 while it is not all there. */
function requestEnd(buffer: Buffer): { body: number; end: number } {
  const head_end = buffer.indexOf('\r\n\r\n')
  if (head_end < 0) return { body: -1, end: -1 }
  const body = head_end + 4
  const headers = buffer.toString('latin1', 0, head_end).toLowerCase()
  const length_at = headers.indexOf('\r\ncontent-length:')
  if (length_at >= 0) {
    const end = body + Number.parseInt(headers.slice(length_at + 17), 10)
    return { body, end: end <= buffer.length ? end : -1 }
  }
  if (!headers.includes('\r\ntransfer-encoding: chunked')) return { body, end: body }
  // JSON as our driver writes it holds no bare line ends, so the last chunk cannot be mistaken.
  const last = buffer.indexOf('\r\n0\r\n\r\n', body - 2)
  return { body, end: last < 0 ? -1 : last + 7 }
}

function modelOf(request: Buffer, body: Buffer): Model {
  const at = body.indexOf('"model":"')
  // Some formats have it in the address: `POST /v1/<model> HTTP/1.1`.
  const name =
    at < 0
      ? (request.toString('latin1', 0, 200).split(' ')[1]?.split('/')[2] ?? '')
      : body.toString('latin1', at + 9, body.indexOf(34, at + 9))
  return MODELS.find(model => model === name) ?? 'bench'
}

function pace(socket: Socket, events: string[]) {
  socket.write(STREAM_HEAD + events[0])
  let next = 1
  const timer = setInterval(() => {
    if (next < events.length) socket.write(events[next++] as string)
    else {
      clearInterval(timer)
      socket.write(LAST_CHUNK)
    }
  }, PACE_MS)
  socket.once('close', () => clearInterval(timer))
}

function answer(socket: Socket, request: Buffer, body_at: number) {
  if (request[0] === 71 /* G, as in GET */) return void socket.write(whole('200 OK', JSON.stringify(calls)))
  const body = request.subarray(body_at)
  const model = modelOf(request, body)
  calls[model]++
  if (model === 'bench-failing') return void socket.write(FAILING)
  if (model === 'bench-slow') return void setTimeout(() => socket.write(WHOLE[model]), FIXED_DELAY_MS)
  const flow = FLOWS.get(model)
  if (flow !== undefined) return void socket.write(flow)
  if (body.indexOf('"stream":true') < 0) return void socket.write(WHOLE[model])
  if (model === 'bench-paced') return pace(socket, EVENTS[model])
  socket.write(BURST[model])
}

const server = createServer(socket => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy()) // A gateway that hangs up is no failure of ours.
  let held: Buffer | null = null
  socket.on('data', chunk => {
    let buffer = held === null ? chunk : Buffer.concat([held, chunk])
    held = null
    while (buffer.length > 0) {
      const { body, end } = requestEnd(buffer)
      if (end < 0) {
        held = buffer
        return
      }
      answer(socket, buffer.subarray(0, end), body)
      buffer = buffer.subarray(end)
    }
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`${JSON.stringify({ port: address.port })}\n`)
})
process.stdin.on('end', () => process.exit(0)).resume()
