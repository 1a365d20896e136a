/**
 * The floor with a router in front: what choosing Hono costs before a gateway does anything of its own.
 */
import { Hono } from 'hono'

const app = new Hono<{ Bindings: { UPSTREAM: string } }>()
app.post('/v1/chat/completions', context => {
  const { method, headers, body } = context.req.raw
  return fetch(`${context.env.UPSTREAM}/v1/chat/completions`, { method, headers, body })
})

export default app
