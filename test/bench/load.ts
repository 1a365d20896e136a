/**
 * The load: N connections, each sending its next request as soon as the last one is answered, until the time is up. What
 * is under way then is still waited for, so that work and answers counted belong together.
 */
import { createConnection, type Socket } from 'node:net'
import { countEvents, faultOf } from './answers.ts'
import { type Answer, answerReader } from './http-answer.ts'

export type LoadPlan = {
  port: number
  /** Whole requests, head and body, sent in turn: several, so that nothing is measured on one lucky text. */
  requests: Buffer[]
  connections: number
  duration_ms: number
  /** Stop after so many requests, however little time has passed. */
  requests_max?: number
  stream: boolean
  /** Judges an answer, where it is none of Chat Completions. */
  fault?(answer: Answer): string | null
}

export type Load = {
  answers: number
  events: number
  wall_ms: number
  /** Sorted. */
  latencies_ms: number[]
  first_bytes_ms: number[]
  /** The first fault seen; with one, the figures are void. */
  fault: string | null
}

/** An answer that takes longer than this after the end of the load is a fault of its gateway. */
const GRACE_MS = 15_000

export function load(plan: LoadPlan): Promise<Load> {
  const began_at_ms = performance.now()
  const latencies_ms: number[] = []
  const first_bytes_ms: number[] = []
  let events = 0
  let fault: string | null = null
  let sent = 0
  let model: { bytes: number; events: number } | null = null

  const faultIn = (answer: Answer) => (plan.fault ? plan.fault(answer) : faultOf(answer, plan.stream))
  const judge = (answer: Answer) => {
    const counted = plan.stream ? countEvents(answer.body()) : 0
    events += counted
    if (model === null) {
      fault ??= faultIn(answer)
      model = { bytes: answer.body_bytes, events: counted }
      return
    }
    if (answer.status === 200 && answer.body_bytes === model.bytes && counted === model.events) return
    // Another length may still be right: a gateway may add something of its own. Then the whole answer is looked at.
    fault ??= faultIn(answer)
  }

  const connection = () =>
    new Promise<void>(resolve => {
      let reader = answerReader()
      let sent_at_ms = 0
      const socket: Socket = createConnection({ port: plan.port, host: '127.0.0.1', noDelay: true })
      const late = setTimeout(() => finish('no answer in time'), plan.duration_ms + GRACE_MS)
      const finish = (problem: string | null) => {
        fault ??= problem
        clearTimeout(late)
        socket.removeAllListeners().on('error', () => {}) // Already accounted for, or over.
        socket.destroy()
        resolve()
      }
      const send = () => {
        if (
          fault !== null ||
          performance.now() - began_at_ms >= plan.duration_ms ||
          sent >= (plan.requests_max ?? Number.POSITIVE_INFINITY)
        )
          return finish(null)
        reader = answerReader()
        sent_at_ms = performance.now()
        socket.write(plan.requests[sent++ % plan.requests.length] as Buffer)
      }
      socket.on('connect', send)
      socket.on('data', bytes => {
        if (!reader.push(bytes)) return
        latencies_ms.push(performance.now() - sent_at_ms)
        first_bytes_ms.push(reader.answer.first_byte_at_ms - sent_at_ms)
        judge(reader.answer)
        send()
      })
      socket.on('error', error => finish(`the connection failed: ${error.message}`))
      socket.on('close', () => finish('the connection was closed'))
    })

  return Promise.all(Array.from({ length: plan.connections }, connection)).then(() => ({
    answers: latencies_ms.length,
    events,
    wall_ms: performance.now() - began_at_ms,
    latencies_ms: latencies_ms.sort((a, b) => a - b),
    first_bytes_ms: first_bytes_ms.sort((a, b) => a - b),
    fault: fault ?? (latencies_ms.length === 0 ? 'no answers' : null),
  }))
}
