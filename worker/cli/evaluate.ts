/**
 * `signalbox evaluate`: a graded suite against targets of a running router. Says what it will cost before it asks anybody, shows how far
 * it is, and gives the share that passes by target and task; `--write` makes of it a catalogue overlay, in which measured priors stand
 * beside the published ones.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { defineCommand } from 'citty'
import { compileCatalogue } from '../core/decide/catalogue.ts'
import { maskOf } from '../core/decide/selector.ts'
import { wholeCatalogue } from '../core/decide/trial.ts'
import type { LiveTarget } from '../core/decide/world.ts'
import { estimateCost } from '../core/spend/price.ts'
import { estimateTokens } from '../core/understand/tokens.ts'
import { type Catalogue, type CatalogueOverlay, catalogueOverlay, type QualityRow } from '../schema/catalogue.ts'
import { TASKS, type Task } from '../schema/features.ts'
import { API_ARGS, namedUrl } from './api.ts'
import { ending, Stop } from './ending.ts'
import { askAll, type Graded, type Question, type Router } from './evaluate-ask.ts'
import { anchors, type Measured, measuredRows, type Tally } from './evaluate-priors.ts'
import { bodyFor, type Item, readSuite, readTools, SUITE_FILE } from './evaluate-suite.ts'
import { localDevKey, localUrl } from './local.ts'
import { numberOf, usd } from './numbers.ts'
import { localVariables, readable, readCatalogue } from './policy-files.ts'
import { print, table } from './table.ts'

/** Room for thoughts; most answers are a word or a line. */
const ANSWER_TOKENS_MAX = 2_048
/** What an answer to these prompts comes to, for the estimate; those who think need the more. */
const ANSWER_TOKENS = { plain: 60, thinking: 600 }
/** A target that left more of them unanswered was not measured. */
const UNANSWERED_AT_MOST = 0.2

export const evaluate = defineCommand({
  meta: { name: 'evaluate', description: 'Measures targets by a graded suite of prompts. Asks them, and says before what it costs.' },
  args: {
    targets: {
      type: 'string',
      description: "Which targets, as selectors, comma-separated: 'openai/*,demo/small'. All that the key may use where absent",
    },
    tasks: { type: 'string', description: `Only these tasks, comma-separated: ${TASKS.join(', ')}` },
    'per-task': { type: 'string', description: 'So many prompts of each task; all where absent' },
    'at-once': { type: 'string', description: 'Requests at the same time', default: '4' },
    suite: { type: 'string', description: 'Another suite of the same form', default: SUITE_FILE },
    write: { type: 'string', description: 'Writes a catalogue overlay with the measured priors; one that is there is added to' },
    failures: { type: 'boolean', description: 'Shows what failed, and why' },
    yes: { type: 'boolean', description: 'Does not ask before it spends' },
    url: API_ARGS.url,
    state: API_ARGS.state,
    vars: API_ARGS.vars,
    json: API_ARGS.json,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const router = routerOf(args)
      const items = itemsOf(args.suite, args.tasks, numberOf('per-task', args['per-task']))
      const targets = await targetsOf(router, args.targets)
      const tools = readTools()
      const questions = targets.flatMap(target =>
        items.map((item): Question => ({ target: target.id, item, body: bodyFor(item, target.id, tools, ANSWER_TOKENS_MAX) })),
      )
      const shown = table(
        ['target', 'prompts', 'about', 'at most'],
        targets.map(target => costRow(target, items)),
      )
      process.stderr.write(`${shown}\n`)
      if (!(await agreed(args.yes))) return false

      const graded = await askAll(questions, router, numberOf('at-once', args['at-once']) ?? 1)
      const measured = targets.map(target => measuredOf(target, graded))
      const offsets = anchors(measured)
      const day = new Date().toISOString().slice(0, 10)
      const rows = new Map(measured.map(each => [each.target, isMeasured(each.target, graded) ? measuredRows(each, offsets, day) : []]))
      print(args.json, jsonOf(measured, rows, graded), textOf(measured, rows, graded, args.failures === true))
      if (args.write !== undefined) {
        writeFileSync(args.write, `${JSON.stringify(withRows(args.write, targets, rows), null, 2)}\n`)
        process.stderr.write(`${args.write} is a catalogue overlay; put it in force with PUT /admin/v1/catalogue/overlay\n`)
      }
      return true
    }),
})

function routerOf(args: { url?: string; state: string; vars: string }): Router {
  const url = namedUrl(args) ?? localUrl(args.state)
  const key = process.env.SIGNALBOX_KEY ?? (namedUrl(args) === null ? localDevKey({ state_dir: args.state, vars_file: args.vars }) : null)
  if (!url || !key) throw new Stop('no router was started here yet: run "npm run dev", or set SIGNALBOX_URL and SIGNALBOX_KEY')
  if (!URL.canParse(url)) throw new Stop(`"${url}" is no URL`)
  return { url: new URL(url).origin, key }
}

function itemsOf(file: string, tasks: string | undefined, per_task: number | null): Item[] {
  const wanted = tasks?.split(',')
  const unknown = wanted?.find(task => !TASKS.includes(task as Task))
  if (unknown !== undefined) throw new Stop(`there is no task "${unknown}"; there are ${TASKS.join(', ')}`)
  const items = readable(() => readSuite(file)).filter(item => !wanted || wanted.includes(item.task))
  const counts = new Map<Task, number>()
  return items.filter(({ task }) => {
    counts.set(task, (counts.get(task) ?? 0) + 1)
    return per_task === null || (counts.get(task) ?? 0) <= per_task
  })
}

/** Those that the router serves to this key, as the bundled catalogue knows them. */
async function targetsOf({ url, key }: Router, selectors: string | undefined): Promise<LiveTarget[]> {
  const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).catch(() => {
    throw new Stop(`${url} does not answer; is it running?`)
  })
  if (!response.ok) throw new Stop(`${url} answered ${response.status} to this key`)
  const served = new Set(((await response.json()) as { data: { id: string }[] }).data.map(each => each.id))
  // What an own server runs is named by the variables here; everything else by the catalogue.
  const every = [
    ...wholeCatalogue(readCatalogue()).targets,
    ...compileCatalogue(readCatalogue(), localVariables(), Date.now(), 'local').targets,
  ]
  const known = [...new Map(every.map(target => [target.id, target])).values()].filter(target => served.has(target.id))
  const mask = selectors === undefined ? null : maskOf(selectors.split(','), known, {})
  const chosen = mask ? known.filter((_, i) => mask[i] === 1) : known
  if (chosen.length === 0) throw new Stop(`no target for chat ${selectors === undefined ? '' : `of ${selectors} `}is served to this key`)
  return chosen
}

const wordsOf = ({ ask, turns, system, tools }: Item) =>
  [system ?? '', ...(turns ?? [ask ?? '']), ...(tools ?? []).map(() => 'x'.repeat(200))].join('\n')

function costRow(target: LiveTarget, items: readonly Item[]): string[] {
  const prompt_tokens = items.reduce((sum, item) => sum + estimateTokens(wordsOf(item)) + 10, 0)
  const output = target.target.capability.reasoning ? ANSWER_TOKENS.thinking : ANSWER_TOKENS.plain
  const cost = (each: number) => estimateCost(prompt_tokens, each * items.length, target.price)
  return [target.id, String(items.length), usd(cost(output)), usd(cost(ANSWER_TOKENS_MAX))]
}

async function agreed(yes: boolean | undefined): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY) throw new Stop('say --yes to go on where nobody can be asked')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await asking.question('Go on? [y/N] ')
  asking.close()
  return /^y(es)?$/i.test(answer.trim())
}

function measuredOf(target: LiveTarget, graded: readonly Graded[]): Measured {
  const tallies = new Map<Task, Tally>()
  for (const each of graded) {
    if (each.target !== target.id || each.unanswered) continue
    const tally = tallies.get(each.item.task) ?? { passed: 0, graded: 0 }
    tallies.set(each.item.task, { passed: tally.passed + (each.reason === null ? 1 : 0), graded: tally.graded + 1 })
  }
  const isPublished = typeof target.target.quality === 'string' || target.target.quality.length > 0
  return { target: target.id, tallies, published: isPublished ? target.quality : null }
}

function isMeasured(target: string, graded: readonly Graded[]): boolean {
  const own = graded.filter(each => each.target === target)
  return own.filter(each => each.unanswered).length <= UNANSWERED_AT_MOST * own.length
}

type Rows = ReadonlyMap<string, QualityRow[]>

function jsonOf(measured: readonly Measured[], rows: Rows, graded: readonly Graded[]): object {
  return {
    targets: measured.map(({ target, tallies }) => ({ target, tasks: Object.fromEntries(tallies), quality: rows.get(target) ?? [] })),
    answers: graded.map(({ target, item, answer, reason, unanswered }) => ({
      target,
      item: item.id,
      passed: reason === null,
      reason,
      unanswered,
      answer,
    })),
  }
}

function textOf(measured: readonly Measured[], rows: Rows, graded: readonly Graded[], failures: boolean): string {
  const tasks = TASKS.filter(task => measured.some(({ tallies }) => tallies.has(task)))
  const lines = measured.map(({ target, tallies }) => {
    const all = [...tallies.values()]
    const sum = (of: keyof Tally) => all.reduce((total, tally) => total + tally[of], 0)
    const cells = tasks.map(task => {
      const tally = tallies.get(task)
      return tally ? `${tally.passed}/${tally.graded}` : '-'
    })
    return [target, `${sum('passed')}/${sum('graded')}`, ...cells]
  })
  const parts = [table(['target', 'passed', ...tasks], lines)]
  for (const { target } of measured) {
    const missing = graded.filter(each => each.target === target && each.unanswered)
    if (missing.length > 0)
      parts.push(`${target} left ${missing.length} unanswered (${missing[0]?.reason})${rows.get(target)?.length ? '' : ': not measured'}`)
  }
  if (failures) {
    const failed = graded.filter(each => each.reason !== null)
    const short = (text: string) => text.replace(/\s+/g, ' ').slice(0, 70)
    parts.push(
      table(
        ['target', 'item', 'why', 'answer'],
        failed.map(each => [each.target, each.item.id, short(each.reason ?? ''), short(each.answer)]),
      ),
    )
  }
  return parts.join('\n\n')
}

/** The overlay that is there, or an empty one, with each target's measured rows in place of those of an earlier run. */
function withRows(file: string, targets: readonly LiveTarget[], rows: Rows): CatalogueOverlay {
  const overlay = catalogueOverlay.parse(existsSync(file) ? readable(() => JSON.parse(readFileSync(file, 'utf8'))) : {})
  const catalogue = readCatalogue()
  for (const { id, target } of targets) {
    const measured = rows.get(id) ?? []
    if (measured.length === 0) continue
    const laid = overlay.targets.find(each => each.id === id)
    const { quality, ...rest } = laid ?? catalogue.targets.find(each => each.id === id) ?? target
    const kept = publishedOf(quality, catalogue, overlay).filter(row => !isOurs(row))
    const entry = { ...rest, quality: [...kept, ...measured] }
    if (laid) overlay.targets[overlay.targets.indexOf(laid)] = entry
    else overlay.targets.push(entry)
  }
  return overlay
}

const isOurs = ({ source }: QualityRow) => typeof source === 'object' && source.name === 'signalbox evaluate'

function publishedOf(quality: string | QualityRow[], { qualities }: Catalogue, overlay: CatalogueOverlay): QualityRow[] {
  return typeof quality === 'string' ? (overlay.qualities[quality] ?? qualities[quality] ?? []) : quality
}
