/**
 * Signalbox as a contender: the bundle that is deployed, a caller with a key, every hosted target of the catalogue switched
 * on, and a policy that looks at all of them and then sends the request to the upstream of the benchmark.
 *
 * The upstream is a local server to the catalogue (`vllm`, `ollama`), whose address is configuration. The policy is the
 * default one with its own conditions and, behind them, a pin; it does not explore, because there is nobody to explore.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { compilePolicy } from '../../worker/core/decide/rules.ts'
import type { Catalogue } from '../../worker/schema/catalogue.ts'
import { DIALECTS } from '../../worker/schema/chat.ts'
import { callerKey, makeKey } from '../../worker/store/keys.ts'
import { chatTarget, localProvider } from '../e2e/overlay.ts'
import { MODELS, type Model } from './answers.ts'
import { bundle, bundleRouter } from './bundle.ts'
import { addressOf, type Contender } from './contenders.ts'
import type { Caller } from './scenarios.ts'
import { everythingOn } from './secrets.ts'
import { serve } from './serve.ts'

const PEPPER = 'a pepper for the benchmark, of more than 32 characters'
const { key: KEY, caller: CALLER } = await makeKey(PEPPER, { label: 'benchmark', org: 'bench' })

const PARTS = 'test/bench/workers/parts.ts'
const COUNTING = 'test/bench/workers/counted.ts'

const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8')

/** By this the upstream, free of charge, is the best of all by far, also as the one to fail over to. */
const FREE_FIRST = { quality: 1, cost: 100, latency: 1, energy: 1 }

const targetOf = (model: Model) => (DIALECTS.some(from => model === `bench-${from}`) ? `${model}/${model}` : `vllm/${model}`)
/** A provider for each format, as data; its one target has its name. */
const OVERLAY = {
  providers: DIALECTS.map(from =>
    localProvider(`bench-${from}`, from, 'VLLM_URL', { chat_path: '/{model}', how_to_enable: 'Set VLLM_URL.' }),
  ),
  targets: DIALECTS.map(from => chatTarget(`bench-${from}`, `bench-${from}`)),
}

/** The default policy with a pin to one model of the upstream behind it: its conditions are looked at, and all have one consequence. */
function policyFor(model: Model): string {
  const compiled = compilePolicy(read('policies/default.yaml'), '0'.repeat(16))
  if (!compiled.ok) throw new Error('the default policy does not compile')
  // How targets are judged is the default policy's alone to say.
  const { health: _, ...policy } = compiled.value.policy
  const others = MODELS.filter(other => other !== model && !(model === 'bench-failing' && other === 'bench'))
  return stringify({
    ...policy,
    name: model,
    objective: FREE_FIRST,
    explore: 0,
    require: { ...policy.require, not_targets: [...(policy.require.not_targets ?? []), ...others.map(targetOf)] },
    rules: [
      ...policy.rules.map(rule => ({ ...rule, do: { reweigh: FREE_FIRST } })),
      { name: 'to the upstream of the benchmark', when: 'true', do: { pin: targetOf(model) } },
    ],
    tests: [],
  })
}

function migrations(): string {
  const folder = 'worker/store/migrations'
  const files = readdirSync(join(PROJECT, folder)).filter(file => file.endsWith('.sql'))
  return files
    .sort()
    .map(file => read(`${folder}/${file}`))
    .join('\n')
}

async function build(directory: string, entry?: string): Promise<void> {
  await Promise.all([
    bundleRouter(directory, 'signalbox', entry),
    bundle('standins/kv.ts', directory, 'kv'),
    bundle('standins/d1.ts', directory, 'd1'),
  ])
  const seed = {
    [callerKey(CALLER.key_id)]: JSON.stringify(CALLER),
    'catalogue/overlay': JSON.stringify(OVERLAY),
    'policy/default': read('policies/default.yaml'),
    ...Object.fromEntries(MODELS.map(model => [`policy/${model}`, policyFor(model)])),
  }
  mkdirSync(join(directory, 'kv'), { recursive: true })
  writeFileSync(join(directory, 'kv/seed.txt'), JSON.stringify(seed))
  writeFileSync(join(directory, 'd1/migrations.sql'), migrations())
}

const PATHS: Record<Caller, string> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'anthropic-messages': '/v1/messages',
}

type Without = {
  /** Left out by `workers/parts.ts`. */
  part?: 'none' | 'authentication' | 'usage' | 'health' | 'all'
  /** Only the upstream's own targets are switched on. */
  few_targets?: true
  /** Another entry than the one that is deployed. */
  entry?: string
}

function signalbox(name: string, about: string, without?: Without): Contender {
  return {
    name,
    about,
    ...(without && { part: true as const }),
    // A busy object's usage is flushed to D1 two seconds after the last request.
    linger_ms: 2_500,
    build: directory => build(directory, without?.entry ?? (without?.part && PARTS)),
    start: ({ directory, upstream, inspector_port }) => {
      const address = `${addressOf(upstream)}/v1`
      const vars = {
        ...(without?.few_targets ? {} : everythingOn(JSON.parse(read('policies/catalogue.json')) as Catalogue)),
        KEY_PEPPER: PEPPER,
        DEMO_TARGETS: 'off',
        VLLM_URL: address,
        VLLM_MODELS: MODELS.filter(model => targetOf(model).startsWith('vllm/')).join(','),
        OLLAMA_URL: address,
        OLLAMA_MODELS: 'bench',
        ...(without?.part && { PART_OFF: without.part }),
      }
      const objects = { HEALTH: 'HealthObject', USAGE: 'UsageObject' }
      return serve(directory, { folder: 'signalbox', vars, objects, kv: 'KV', d1: 'DB' }, inspector_port)
    },
    ask: scenario => ({
      model: `policy/${scenario.failover ? 'bench-failing' : scenario.model}`,
      headers: { authorization: `Bearer ${KEY}` },
      ...(scenario.flow && { path: PATHS[scenario.flow.to], format: scenario.flow.to, answers: scenario.flow.to }),
    }),
  }
}

export const SIGNALBOX: Contender[] = [
  signalbox('signalbox', 'this router, everything on, over every hosted target of its catalogue'),
  signalbox('without-usage', 'no intents and settlements', { part: 'usage' }),
  signalbox('without-health', 'no reports of outcomes, so a failing target is tried each time', { part: 'health' }),
  signalbox('without-authentication', 'keys are not looked at', { part: 'authentication' }),
  signalbox('few-targets', 'five targets switched on instead of all', { few_targets: true }),
  signalbox('without-all', 'all of these off: reading, deciding over five targets, dispatch', { part: 'all', few_targets: true }),
]

/** For `counts.ts` and not for figures of time. */
export const COUNTED = signalbox('counted', 'everything on, and its accounting counted', { entry: COUNTING })
