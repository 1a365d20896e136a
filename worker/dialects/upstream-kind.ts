/**
 * Which of the refusals that the router treats apart an upstream's error is. Status codes do not tell: the same 400 means a
 * prompt that is too long, a text that a filter stopped, or a model that was retired, and only the wording knows.
 */
import type { UpstreamError } from './dialect.ts'
import type { Said } from './upstream-said.ts'

/** What providers say, in lower case. First match wins. A phrase known from one provider only is one that no other uses for something else. */
const WORDINGS: [UpstreamError['kind'], string[]][] = [
  [
    'context_length',
    [
      'context_length',
      'context length',
      'context window',
      'context size',
      'maximum prompt length',
      'prompt is too long',
      'input is too long',
      'input length',
      'too many tokens',
      'maximum number of tokens',
      'maximum number of input tokens',
      'reduce the length',
      'string_above_max_length',
      "exceeds the model's maximum",
      'longer than the maximum model length',
      'max_model_len',
      'prompt too long',
      'model token limit',
      'max_new_tokens` must be',
      '超长',
    ],
  ],
  [
    'content_filter',
    [
      'content_filter',
      'content filter',
      'content_policy',
      'content policy',
      'content management policy',
      'data_inspection_failed',
      'inappropriate content',
      'content exists risk',
      'considered high risk',
      'safety system',
      'moderation',
      'usage guidelines',
      'usage policy',
      'usage policies',
      'prohibited_content',
      'flagged',
    ],
  ],
  [
    'quota',
    [
      'insufficient_quota',
      'exceeded_current_quota',
      'exceeded your current quota',
      'insufficient balance',
      'insufficient credit',
      'insufficient_credit',
      'insufficient funds',
      'requires more credits',
      'out of credits',
      'credit balance',
      'credit limit',
      'billing',
      'payment',
      'arrearage',
      'spending limit',
      'spend limit',
      'monthly limit',
      'used all available credits',
    ],
  ],
  [
    'model_gone',
    [
      'model_not_found',
      'model not found',
      'model not exist',
      'no such model',
      'model_decommissioned',
      'decommissioned',
      'model_not_available',
      'no longer available',
      'no longer supported',
      'has been deprecated',
      'has been shut down',
      'not a valid model',
      'invalid model',
      'unknown model',
      'unknown_model',
      'no endpoints found',
      'unable to access model',
      'model_not_supported',
    ],
  ],
]

export function kindOfError(status: number, said: Said): UpstreamError['kind'] {
  const words = `${said.code ?? ''} ${said.type ?? ''} ${said.message.slice(0, 1_000)}`.toLowerCase()
  for (const [kind, phrases] of WORDINGS) {
    // A model that a 5xx calls missing is a server that lost its bearings, and will find it again.
    if (kind === 'model_gone' && status >= 500) continue
    // Some call a limit per minute a quota, and say in the same breath when it is over.
    if (kind === 'quota' && words.includes('retry in')) continue
    if (phrases.some(phrase => words.includes(phrase))) return kind
  }
  if (status === 402) return 'quota'
  // "The model `x` does not exist", "model "x" not found, try pulling it first".
  if (
    (status === 404 || status === 400) &&
    words.includes('model') &&
    (words.includes('does not exist') || words.includes('not found') || words.includes('not_found'))
  )
    return 'model_gone'
  return 'other'
}
