/** Small named values that the tests of the store arrange with. */
import { applyD1Migrations, type D1Migration, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { UNKNOWN_USAGE } from '../../worker/schema/chat.ts'
import type { Budget, Limited } from '../../worker/schema/limits.ts'
import type { Intent, Settlement } from '../../worker/schema/usage.ts'
import { type Batch, intentEntry, settlementEntry } from '../../worker/store/usage-batch.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: D1Migration[]
      KEY_PEPPER: string
      TEST_BUCKET: R2Bucket
      PROVIDER_KEY_MASTER: string
    }
  }
}

/** Storage lives on from test to test unless it is emptied. */
export async function emptyStorage(): Promise<void> {
  await reset()
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
}

/** What requests leave to run behind them: waiting for all of it, how much is left, or leaving it to itself. */
export function backgroundWork() {
  let pending: Promise<unknown>[] = []
  return {
    ctx: { waitUntil: (promise: Promise<unknown>) => void pending.push(promise) },
    async behind(): Promise<void> {
      while (pending.length) await pending.pop()
    },
    left: () => pending.length,
    forget(): void {
      pending = []
    },
  }
}

let made = 0
export function newId(): string {
  made += 1
  return `dec_00000000-0000-4000-8000-${String(made).padStart(12, '0')}`
}

/** Each test has an organisation of its own, and so an object and a queue of its own. */
export function newOrg(): string {
  made += 1
  return `org-${made}`
}

export function intent(changes: Partial<Intent> = {}): Intent {
  return {
    v: 1,
    decision_id: newId(),
    at_ms: Date.now(),
    org: 'acme',
    key_id: 'abcdefghijk',
    team: 'search',
    dialect: 'openai-chat',
    endpoint: '/v1/chat/completions',
    requested_model: 'auto',
    policy: 'default',
    policy_version: '0123456789abcdef',
    task: 'code_generation',
    stream: false,
    target: 'openai/gpt-5',
    provider: 'openai',
    estimated_input_tokens: 100,
    estimated_output_tokens: 200,
    estimated_cost_micros: 300,
    reserved_micros: 500,
    expires_at_ms: Date.now() + 300_000,
    decision: { shared: null, own: '{}' },
    ...changes,
  }
}

export function settlement(of: Intent, changes: Partial<Settlement> = {}): Settlement {
  return {
    v: 1,
    decision_id: of.decision_id,
    org: of.org,
    outcome: 'completed',
    target: of.target,
    provider: of.provider,
    status: 200,
    error_code: null,
    finish_reason: 'stop',
    usage: { ...UNKNOWN_USAGE, input_tokens: 90, output_tokens: 150 },
    usage_estimated: false,
    cost_micros: 250,
    own_cost_micros: null,
    paid_by: 'router',
    cost_estimated: false,
    energy_wh: 0.12,
    co2e_g: 0.06,
    energy_confidence: 'guess',
    attempts: [],
    losses: [],
    first_token_ms: 120,
    total_ms: 900,
    settled_at_ms: of.at_ms + 900,
    ...changes,
  }
}

/** The request of a key that has this budget. */
export function limitedBy(budget: Budget): Limited {
  const hard = budget.kind === 'hard'
  const account = { account: 'key:abcdefghijk', budgets: [budget], rates: [], expensive: [] }
  return { hard, accounts: [account], tokens: 300, output_micros_per_mtok: 10_000_000 }
}

/** What an isolate would send of these. */
export function batchOf(intents: Intent[], settlements: Settlement[] = []): Batch {
  return {
    v: 1,
    org: (intents[0] ?? settlements[0])?.org ?? '',
    intents: intents.map(intentEntry),
    settlements: settlements.map(settlementEntry),
  }
}
