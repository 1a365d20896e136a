/**
 * `service_tier`, whose words both formats of OpenAI share; of Anthropic's two words each has its counterpart.
 */
import type { ChatRequest, Loss } from '../../schema/chat.ts'

const ANTHROPIC: Record<string, string> = { auto: 'auto', standard_only: 'default' }

export function writeTier({ service_tier, dialect }: ChatRequest, losses: Loss[]): string | null {
  if (service_tier === null || dialect === 'openai-responses' || dialect === 'openai-chat') return service_tier
  if (dialect === 'anthropic-messages' && Object.hasOwn(ANTHROPIC, service_tier)) return ANTHROPIC[service_tier] as string
  losses.push({ field: 'service_tier', how: 'dropped', note: 'this format has no such tier' })
  return null
}
