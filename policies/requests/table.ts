/**
 * `npm run requests`: sends the hundred requests of requests.yaml through the very code that serves, calls nobody, and writes what came
 * of it to README.md beside them. Rows that go elsewhere than their author expects are marked, and a test fails on them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { bundledUnderstanding } from '../../worker/cli/policy-files.ts'
import { compilePolicy } from '../../worker/core/decide/rules.ts'
import { callerOf, requestOf } from '../../worker/core/decide/sketch.ts'
import { instantOf, liveFor, resultOf, trial, wholeCatalogue } from '../../worker/core/decide/trial.ts'
import { catalogue as catalogueShape } from '../../worker/schema/catalogue.ts'
import { selector, sketch } from '../../worker/schema/policy.ts'

const FOLDER = import.meta.dirname
export const TABLE_FILE = join(FOLDER, 'README.md')

const expected = z.union([selector, z.array(selector).min(1), z.strictObject({ refused: z.string() })])
const section = z.strictObject({
  policy: z.string(),
  live: z.array(selector).default(['demo/*']),
  requests: z.array(sketch.extend({ expect: expected })),
})

export type Row = {
  policy: string
  prompt: string
  setting: string
  task: string
  difficulty: string
  expected: string
  got: string
  ok: boolean
}

const read = (...path: string[]) => readFileSync(join(FOLDER, ...path), 'utf8')
const PROMPT_SHOWN = 90

export function rows(): Row[] {
  const catalogue = catalogueShape.parse(JSON.parse(read('../catalogue.json')))
  const whole = wholeCatalogue(catalogue)
  const options = { now_ms: instantOf(catalogue), model: bundledUnderstanding() }
  return z
    .array(section)
    .parse(parse(read('requests.yaml')))
    .flatMap(({ policy, live, requests }) => {
      const compiled = compilePolicy(read(`../${policy}.yaml`), policy)
      if (!compiled.ok) throw new Error(`${policy}: ${JSON.stringify(compiled.error)}`)
      return requests.map(({ expect, ...given }): Row => {
        const asked = { ...given, live: given.live ?? live }
        const wanted = typeof expect === 'string' ? { target: expect } : Array.isArray(expect) ? { first_of: expect } : expect
        const result = resultOf({ name: asked.prompt, request: asked, expect: wanted }, compiled.value, whole, options)
        const decided = trial(requestOf(asked), callerOf(asked), compiled.value, liveFor(asked, whole, compiled.value.policy.groups), {
          ...options,
          down: asked.down,
        })
        const { features } = decided.ok ? decided.value : decided.error.record
        return {
          policy,
          prompt: asked.prompt,
          setting: settingOf(asked, live),
          task: features.task,
          difficulty: features.difficulty.toFixed(2),
          expected: result.expected,
          got: decided.ok ? decided.value.chosen : 'refused',
          ok: result.ok,
        }
      })
    })
}

function settingOf(asked: z.infer<typeof sketch>, usual: string[]): string {
  return [
    asked.image && 'with an image',
    asked.prompt_tokens && `${asked.prompt_tokens} tokens`,
    asked.model && `model ${asked.model}`,
    asked.caller?.tier && `tier ${asked.caller.tier}`,
    asked.down && `down: ${asked.down.join(', ')}`,
    asked.live !== usual && `on: ${asked.live?.join(', ')}`,
  ]
    .filter(Boolean)
    .join('; ')
}

const cell = (text: string) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;')
const short = (text: string) => (text.length > PROMPT_SHOWN ? `${text.slice(0, PROMPT_SHOWN - 1).trimEnd()}…` : text)

export function table(all: readonly Row[]): string {
  const sections = Map.groupBy(all, row => row.policy)
  const parts = [...sections].map(([policy, some]) => {
    const lines = some.map(
      row =>
        `| ${cell(short(row.prompt))}${row.setting ? ` *(${cell(row.setting)})*` : ''} | ${row.task} | ${row.difficulty} | ${cell(row.got)} | ${row.ok ? '' : '**not '}${cell(row.expected)}${row.ok ? '' : '**'} |`,
    )
    return `## ${policy}\n\n| request | task | difficulty | goes to | expected |\n|---|---|---|---|---|\n${lines.join('\n')}\n`
  })
  const off = all.filter(row => !row.ok).length
  return `# A hundred requests, and where they go

Made by \`npm run requests\` from [requests.yaml](requests.yaml); a test keeps it true. ${all.length} requests as people send them, each with
the place its author expects under a policy of the folder above, written before the router was asked (the one moved since says so); ${off === 0 ? 'every one goes there' : `${off} go elsewhere`}. Nobody is
called for it: the table is \`understand\` and \`decide\` on the bundled catalogue, with the demo targets on where nothing else is said.

${parts.join('\n')}`
}

if (import.meta.main) {
  const all = rows()
  writeFileSync(TABLE_FILE, table(all))
  for (const row of all.filter(each => !each.ok))
    process.stdout.write(
      `${row.policy}: "${short(row.prompt)}" (${row.task}, ${row.difficulty}) goes to ${row.got}, expected ${row.expected}\n`,
    )
  process.stdout.write(`${all.length} requests, ${all.filter(each => each.ok).length} as expected\n`)
}
