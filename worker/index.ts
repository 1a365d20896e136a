import { DurableObject } from 'cloudflare:workers'
export class HealthObject extends DurableObject {}
export class UsageObject extends DurableObject {}
export default { fetch: () => new Response('starting') }
