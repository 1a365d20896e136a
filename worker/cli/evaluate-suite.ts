/**
 * The graded suite of `policies/evaluation/suite.yaml` as a program reads it: strict, so that a grader that is misspelt is an error
 * and not a test that everybody passes.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { TASKS, type Task } from '../schema/features.ts'
import { POLICIES } from './policy-files.ts'

export const SUITE_FILE = join(POLICIES, 'evaluation/suite.yaml')
const TOOLS_FILE = join(POLICIES, 'evaluation/tools.yaml')

const words = z.array(z.string().min(1)).min(1)
const whole = z.int().min(1)

export const form = z.strictObject({
  lines: whole.optional(),
  words_at_least: whole.optional(),
  words_at_most: whole.optional(),
  starts_with: z.string().optional(),
  ends_with: z.string().optional(),
  each_line_starts_with: z.string().optional(),
  /** First letters of the lines. */
  initials: z.string().optional(),
  /** Every word begins with it. */
  words_begin: z.string().optional(),
  without: words.optional(),
})

const graders = z.strictObject({
  is: z.union([z.string(), words]).optional(),
  number: z.number().optional(),
  within: z.number().positive().optional(),
  letter: z.string().length(1).optional(),
  says: words.optional(),
  says_one: words.optional(),
  never: words.optional(),
  /** `says` and `never` tell capitals from small letters. */
  exact_case: z.literal(true).optional(),
  json: z.json().optional(),
  json_has: z.record(z.string(), z.json()).optional(),
  regex: z.strictObject({ match: words, reject: z.array(z.string()) }).optional(),
  sql: z
    .strictObject({
      setup: z.string(),
      rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
      ordered: z.literal(true).optional(),
    })
    .optional(),
  form: form.optional(),
  language: z.string().length(2).optional(),
  calls: z.strictObject({ name: z.string(), arguments: z.record(z.string(), z.json()).default({}) }).optional(),
  calls_none: z.literal(true).optional(),
})
export type Graders = z.infer<typeof graders>

const asks = z.strictObject({
  ask: z.string().min(1).optional(),
  /** In place of `ask`: user and assistant in turn, a user at both ends. */
  turns: words.optional(),
  system: z.string().optional(),
  tools: words.optional(),
})

const item = asks.extend(graders.shape).superRefine((each, context) => {
  const { ask, turns, system, tools, within, exact_case, ...graded } = each
  if ((ask === undefined) === (turns === undefined)) context.addIssue('either "ask" or "turns"')
  if (turns && turns.length % 2 === 0) context.addIssue('"turns" begin and end with the user')
  if (Object.values(graded).every(grader => grader === undefined)) context.addIssue('nothing is graded')
})

const suite = z.strictObject(Object.fromEntries(TASKS.map(task => [task, z.array(item)])) as Record<Task, z.ZodArray<typeof item>>)

export type Item = z.infer<typeof item> & { id: string; task: Task }

/** Every item with an id of its own: its task and its place in it. */
export function readSuite(file: string = SUITE_FILE): Item[] {
  const read = suite.safeParse(parse(readFileSync(file, 'utf8')))
  if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`)
  return TASKS.flatMap(task => read.data[task].map((each, i) => ({ ...each, id: `${task}-${i + 1}`, task })))
}

const tools = z.record(
  z.string(),
  z.strictObject({ description: z.string(), parameters: z.record(z.string(), z.enum(['string', 'number', 'boolean'])) }),
)

type ToolParameter = { type: 'function'; function: { name: string; description: string; parameters: object } }

/** The tools that items offer, by name, as Chat Completions has them. */
export function readTools(): Map<string, ToolParameter> {
  const read = tools.parse(parse(readFileSync(TOOLS_FILE, 'utf8')))
  return new Map(
    Object.entries(read).map(([name, { description, parameters }]) => {
      const properties = Object.fromEntries(Object.entries(parameters).map(([each, type]) => [each, { type }]))
      return [
        name,
        {
          type: 'function',
          function: { name, description, parameters: { type: 'object', properties, required: Object.keys(parameters) } },
        },
      ]
    }),
  )
}

/** The request for an item, as Chat Completions has it; `model` is the target. */
export function bodyFor(
  { ask, turns, system, tools: offered }: Item,
  model: string,
  known: Map<string, ToolParameter>,
  max_tokens: number,
): object {
  const said = turns ?? [ask ?? '']
  return {
    model,
    max_tokens,
    messages: [
      ...(system === undefined ? [] : [{ role: 'system', content: system }]),
      ...said.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
    ],
    ...(offered && {
      tools: offered.map(name => {
        const tool = known.get(name)
        if (!tool) throw new Error(`there is no tool ${name} in ${TOOLS_FILE}`)
        return tool
      }),
    }),
  }
}
