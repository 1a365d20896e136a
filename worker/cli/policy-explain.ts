/**
 * `signalbox policy explain "<prompt>"`: which target a request would go to under a policy, and why, without any network. The
 * request is a prompt with a few flags, or a whole body as a client sends it.
 */
import { readFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { compileCatalogue } from '../core/decide/catalogue.ts'
import { explainUndecided, refusalSentences, explain as sentences } from '../core/decide/explain.ts'
import { compilePolicy, problemLine } from '../core/decide/rules.ts'
import { maskOf } from '../core/decide/selector.ts'
import { callerOf, requestOf } from '../core/decide/sketch.ts'
import { instantOf, only, trial, wholeCatalogue } from '../core/decide/trial.ts'
import type { CompiledPolicy, LiveCatalogue } from '../core/decide/world.ts'
import { wording } from '../core/errors.ts'
import { DIALECTS_WRITTEN, dialectNamed } from '../dialects/dialects.ts'
import { lossesOf } from '../dialects/losses.ts'
import type { Catalogue } from '../schema/catalogue.ts'
import { type ChatRequest, DIALECTS, type JsonObject } from '../schema/chat.ts'
import type { DecisionRecord, Score } from '../schema/decision.ts'
import { type Sketch, sketch as sketchSchema } from '../schema/policy.ts'
import { ending, Stop } from './ending.ts'
import { bundledUnderstanding, localVariables, policyFiles, readable, readCatalogue } from './policy-files.ts'
import { table } from './table.ts'

/** All eligible targets are shown; no catalogue has more. */
const ALL_SCORES = 10_000
const ROWS_SHOWN = 15

export const explain = defineCommand({
  meta: { name: 'explain', description: 'Which target a request would go to under a policy, and why. Calls nobody.' },
  args: {
    prompt: { type: 'positional', required: false, description: 'The prompt' },
    body: { type: 'string', description: 'A file with a whole request body, and not a prompt' },
    dialect: { type: 'enum', options: [...DIALECTS], default: 'openai-chat', description: 'The wire format of --body' },
    policy: { type: 'string', default: 'default', description: 'A policy file, or the name of one in policies/' },
    all: { type: 'boolean', description: 'Every target of the catalogue counts as switched on' },
    live: {
      type: 'string',
      description:
        "Selectors of what counts as switched on, comma-separated: 'demo/*,openai/gpt-*'; what .dev.vars switches on where absent",
    },
    down: { type: 'string', description: 'Targets that count as failing, comma-separated' },
    model: { type: 'string', description: 'What the caller writes in `model`; auto where absent' },
    tier: { type: 'string', description: "The caller's tier" },
    tags: { type: 'string', description: "The caller's tags, comma-separated" },
    stream: { type: 'boolean', description: 'A streamed answer' },
    image: { type: 'boolean', description: 'With an image' },
    tools: { type: 'string', description: 'Number of tools offered' },
    'max-tokens': { type: 'string', description: "The caller's limit of output tokens" },
    'prompt-tokens': { type: 'string', description: 'Pads the prompt to about this many tokens' },
    draw: { type: 'string', description: 'The draw, 0 to 1, that splits and exploration follow; 0.5 where absent' },
    catalogue: { type: 'string', description: 'Another catalogue than policies/catalogue.json' },
    json: { type: 'boolean', description: 'The whole decision record, for programs' },
  },
  run: given =>
    ending(given, () => {
      const { args } = given
      const policy = policyFrom(args.policy)
      const catalogue = readable(() => readCatalogue(args.catalogue))
      const live = liveFrom(args, catalogue, policy)
      const sketch = sketchFrom(args)
      const request = args.body === undefined ? requestOf(sketch) : bodyFrom(args.body, args.dialect)
      const decided = trial(request, callerOf(sketch), policy, live, {
        now_ms: args.all || args.live ? instantOf(catalogue) : Date.now(),
        model: bundledUnderstanding(),
        draw: numberFrom('draw', args.draw),
        down: list(args.down),
        codecs: DIALECTS_WRITTEN,
        losses: lossesOf(request),
        scores_kept: ALL_SCORES,
      })
      if (args.json) {
        process.stdout.write(
          `${JSON.stringify(decided.ok ? decided.value : { ...decided.error, explanation: explainUndecided(decided.error) }, null, 2)}\n`,
        )
        return decided.ok
      }
      const lines = decided.ok ? shown(decided.value) : ['Nobody.', '', ...explainUndecided(decided.error)]
      if (!decided.ok && live.targets.length === 0)
        lines.push(`Nothing is switched on. Use --all or --live 'demo/*', or set keys in .dev.vars.`)
      process.stdout.write(`${lines.join('\n')}\n`)
      return decided.ok
    }),
})

type Args = Record<'all' | 'stream' | 'image', boolean | undefined> &
  Record<'prompt' | 'body' | 'live' | 'model' | 'tier' | 'tags' | 'tools' | 'max-tokens' | 'prompt-tokens', string | undefined>

function policyFrom(named: string): CompiledPolicy {
  const [file] = readable(() => policyFiles([named]))
  if (!file) throw new Stop(`there is no policy ${named}`)
  const compiled = compilePolicy(file.text, file.version)
  if (!compiled.ok) throw new Stop(`the policy does not parse\n${compiled.error.map(each => problemLine(file.shown, each)).join('\n')}`)
  return compiled.value
}

function liveFrom({ all, live }: Args, catalogue: Catalogue, { policy }: CompiledPolicy): LiveCatalogue {
  if (!all && live === undefined) return compileCatalogue(catalogue, localVariables(), Date.now(), 'local')
  const whole = wholeCatalogue(catalogue)
  if (live === undefined) return only(whole, target => target.provider.transport !== 'worker')
  const mask = maskOf(list(live), whole.targets, policy.groups)
  return only(whole, (_, i) => mask[i] === 1)
}

function sketchFrom(args: Args): Sketch {
  if (args.prompt === undefined && args.body === undefined) throw new Stop('say what to explain: a prompt, or --body with a file')
  const parsed = sketchSchema.safeParse({
    prompt: args.prompt ?? '',
    model: args.model,
    stream: args.stream,
    image: args.image,
    tools: numberFrom('tools', args.tools),
    max_tokens: numberFrom('max-tokens', args['max-tokens']),
    prompt_tokens: numberFrom('prompt-tokens', args['prompt-tokens']),
    caller: { tier: args.tier, tags: args.tags === undefined ? undefined : list(args.tags) },
  })
  if (!parsed.success) throw new Stop(parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('\n'))
  return parsed.data
}

function bodyFrom(file: string, dialect: string): ChatRequest {
  const name = DIALECTS.find(each => each === dialect)
  const codec = name && dialectNamed(name)
  if (!codec) throw new Stop(`the dialect ${dialect} cannot be read yet`)
  const body = readable((): JsonObject => JSON.parse(readFileSync(file, 'utf8')))
  const read = codec.request.read(body)
  if (!read.ok) throw new Stop(wording(read.error))
  return read.value
}

const list = (text: string | undefined) => (text ?? '').split(',').filter(each => each !== '')

function numberFrom(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Stop(`--${name} takes a number, not "${text}"`)
  return value
}

function shown(record: DecisionRecord): string[] {
  const refused = refusalSentences(record.refused)
  const story = sentences(record).filter(sentence => !refused.includes(sentence))
  const rows = record.scores.slice(0, ROWS_SHOWN).map(score => row(score, record))
  const more = record.scores.length > rows.length ? [`... and ${record.scores.length - rows.length} more`] : []
  return [
    record.chosen,
    '',
    ...story,
    '',
    table(['', 'target', 'quality', 'cost', 'time', 'energy', 'q', 'c', 't', 'e', 'penalty', 'total'], rows),
    ...more,
    ...(refused.length > 0 ? ['', ...refused] : []),
  ]
}

function row(score: Score, { chosen, plan }: DecisionRecord): string[] {
  const step = plan.steps.findIndex(each => each.target === score.target)
  const digits = (value: number) => value.toFixed(2)
  return [
    score.target === chosen ? '>' : step > 0 ? `${step + 1}.` : '',
    score.target,
    `${digits(score.quality)}±${digits(score.quality_uncertainty)}`,
    score.cost_micros === null ? '-' : `$${(score.cost_micros / 1_000_000).toFixed(6)}`,
    `${(score.latency_ms / 1000).toFixed(1)} s`,
    score.energy_wh === null ? '-' : `${score.energy_wh.toFixed(3)} Wh`,
    digits(score.quality_score),
    digits(score.cost_score),
    digits(score.latency_score),
    digits(score.energy_score),
    score.penalty === 0 ? '-' : digits(score.penalty),
    score.total.toFixed(3),
  ]
}
