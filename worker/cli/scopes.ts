/**
 * What a key is kept to, as flags: lists are separated by commas. Of what is not mentioned nothing is said, so it stays free.
 */
import type { Caller } from '../schema/caller.ts'
import { Stop } from './ending.ts'
import { microsOf, numberOf } from './numbers.ts'

export const SCOPE_ARGS = {
  targets: { type: 'string', description: 'Only these targets, or provider/*' },
  policies: { type: 'string', description: 'Only these policies may be named' },
  endpoints: { type: 'string', description: 'Only these kinds of request: chat, embeddings, ...' },
  regions: { type: 'string', description: 'Inference only there: eu, us, ...' },
  addresses: { type: 'string', description: 'Only from these internet addresses or ranges (192.0.2.0/24, 2001:db8::/32)' },
  'cost-at-most': { type: 'string', description: 'No request that is expected to cost more, in USD' },
  'no-naming': { type: 'boolean', description: 'May not name a model itself, only "auto" and policies' },
} as const

export type ScopeArgs = { [Name in Exclude<keyof typeof SCOPE_ARGS, 'no-naming'>]?: string } & { 'no-naming'?: boolean }

/** Undefined where no flag says anything of it. */
export function scopesOf(args: ScopeArgs): Partial<Caller['scopes']> | undefined {
  const cost = numberOf('cost-at-most', args['cost-at-most'])
  const scopes: Record<string, unknown> = {}
  for (const name of ['targets', 'policies', 'endpoints', 'regions', 'addresses'] as const) {
    if (args[name] !== undefined) scopes[name] = listOf(name, args[name])
  }
  if (cost !== null) scopes.cost_at_most_micros = microsOf('cost-at-most', cost)
  if (args['no-naming']) scopes.may_pin = false
  return Object.keys(scopes).length > 0 ? scopes : undefined
}

/** An empty list would keep a key from everything, or from nothing; it is a slip either way. */
function listOf(name: string, text: string): string[] {
  const parts = text.split(',').map(part => part.trim())
  if (parts.some(part => part === '')) throw new Stop(`--${name} takes a list separated by commas, without gaps`)
  return parts
}
