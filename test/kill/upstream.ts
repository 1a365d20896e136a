/** A target for the kill loop: answers in 30 to 300 ms, whole or streamed, and keeps a ledger of what it was asked. */
import { createServer, type Server } from 'node:http'

export type Upstream = {
  port: number
  /** How often each request was asked, by the number in its `max_tokens`. */
  seen: Map<number, number>
  close(): void
}

export async function startUpstream(): Promise<Upstream> {
  const seen = new Map<number, number>()
  let calls = 0
  const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 }
  const base = { id: 'chatcmpl-kill', created: 1, model: 'star' }
  const server: Server = createServer(async (request, response) => {
    calls += 1
    const call = calls
    let text = ''
    for await (const chunk of request) text += chunk
    const { stream, max_tokens, stream_options } = JSON.parse(text) as { stream?: boolean; max_tokens: number; stream_options?: object }
    seen.set(max_tokens, (seen.get(max_tokens) ?? 0) + 1)
    await wait(10 + (call % 20))
    if (!stream) {
      const message = { role: 'assistant', content: 'Something.' }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (more: object) => response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...more })}\n\n`)
    for (let i = 0; i < 10; i++) {
      send({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })
      await wait(call % 30)
    }
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    if (stream_options) send({ choices: [], usage })
    response.end('data: [DONE]\n\n')
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: address && typeof address === 'object' ? address.port : 0,
    seen,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const wait = (wait_ms: number) => new Promise<void>(resolve => setTimeout(resolve, wait_ms))
