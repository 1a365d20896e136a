/**
 * The floor: the least that a gateway on this platform can do. It hands the request to the upstream and the answer back,
 * bodies streamed by the runtime and never seen by JavaScript.
 */
export default {
  fetch: (request: Request, env: { UPSTREAM: string }) => fetch(env.UPSTREAM + new URL(request.url).pathname, request),
}
