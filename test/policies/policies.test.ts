import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundledUnderstanding } from '../../worker/cli/policy-files.ts'
import { policySchemaText } from '../../worker/cli/policy-schema.ts'
import { checkPolicy } from '../../worker/core/decide/lint.ts'
import { compilePolicy } from '../../worker/core/decide/rules.ts'
import { callerOf, requestOf } from '../../worker/core/decide/sketch.ts'
import { instantOf, liveFor, runPolicyTests, trial, wholeCatalogue } from '../../worker/core/decide/trial.ts'
import { catalogue as catalogueSchema } from '../../worker/schema/catalogue.ts'
import type { Sketch } from '../../worker/schema/policy.ts'

const FOLDER = join(import.meta.dirname, '../../policies')
const read = (file: string) => readFileSync(`${FOLDER}/${file}`, 'utf8')
const catalogue = catalogueSchema.parse(JSON.parse(read('catalogue.json')))
const whole = wholeCatalogue(catalogue)
/** Policies are tried as they will be served: with what the Worker learned. */
const MODEL = bundledUnderstanding()
const NAMES = ['default', 'cheap', 'fast', 'quality', 'private-eu', 'local-first', 'green']
const FIRST_LINE = '# yaml-language-server: $schema=./policy.schema.json'

function compiled(name: string) {
  const policy = compilePolicy(read(`${name}.yaml`), 'test')
  if (!policy.ok) throw new Error(JSON.stringify(policy.error))
  return policy.value
}

function chosen(name: string, sketch: Sketch) {
  const policy = compiled(name)
  const decided = trial(requestOf(sketch), callerOf(sketch), policy, liveFor(sketch, whole, policy.policy.groups), {
    now_ms: instantOf(catalogue),
    model: MODEL,
    down: sketch.down,
  })
  return decided.ok ? decided.value.chosen : decided.error.code
}

const EASY = { prompt: 'What is the capital of France?' }
const USUAL = { prompt: 'Write a SQL query that finds duplicate emails' }
const HARD = { prompt: 'Prove that there are infinitely many primes of the form 4k+3.' }
const DEMO = { live: ['demo/*'] }

describe('the policies of this folder', () => {
  it('are these', () =>
    expect(
      readdirSync(FOLDER)
        .filter(file => file.endsWith('.yaml'))
        .map(file => file.slice(0, -5))
        .sort(),
    ).toEqual([...NAMES].sort()))
  it.each(NAMES)('%s has no findings beside the catalogue', name => expect(checkPolicy(read(`${name}.yaml`), catalogue)).toEqual([]))
  it.each(NAMES)('%s tells editors where its schema is', name => expect(read(`${name}.yaml`).split('\n')[0]).toBe(FIRST_LINE))
  it.each(NAMES)('%s is called as its file is', name => expect(compiled(name).policy.name).toBe(name))

  describe.each(NAMES)('%s, by its own tests:', name => {
    it.each(runPolicyTests(compiled(name), catalogue, MODEL).map(test => [test.name, test] as const))('%s', (_, { ok, expected, got }) => {
      expect(ok, `expected ${expected}, got ${got}`).toBe(true)
    })
  })
})

describe('the schema for editors', () => {
  it('is the one that the code declares (npm run schema)', () => expect(read('policy.schema.json')).toBe(policySchemaText()))
})

describe('the same request under different policies', () => {
  it('goes to different demo targets', () => {
    const demo = (sketch: Sketch) =>
      Object.fromEntries(['default', 'cheap', 'fast', 'quality'].map(name => [name, chosen(name, { ...sketch, ...DEMO })]))
    expect(demo(EASY)).toEqual({ default: 'demo/small', cheap: 'demo/small', fast: 'demo/unreliable', quality: 'demo/large' })
    expect(demo(USUAL)).toEqual({ default: 'demo/unreliable', cheap: 'demo/small', fast: 'demo/unreliable', quality: 'demo/large' })
    expect(demo(HARD)).toEqual({ default: 'demo/large', cheap: 'demo/unreliable', fast: 'demo/unreliable', quality: 'demo/large' })
  })
  it('goes to different real ones', () => {
    const targets = NAMES.map(name => chosen(name, USUAL))
    expect(new Set(targets).size).toBeGreaterThanOrEqual(5)
  })

  const figures = (name: string, sketch: Sketch) => {
    const policy = compiled(name)
    const decided = trial(requestOf(sketch), callerOf(sketch), policy, liveFor(sketch, whole, policy.policy.groups), {
      now_ms: instantOf(catalogue),
      model: MODEL,
      scores_kept: 1_000,
    })
    const score = decided.ok ? decided.value.scores.find(each => each.target === decided.value.chosen) : undefined
    if (!score) throw new Error(`${name} decided nothing`)
    return score
  }
  const CLOUD = { live: ['openai/*', 'google/*', 'mistral/*', 'groq/*', 'together/*', 'openrouter/*'] }
  it.each([
    ['an easy one', EASY],
    ['a usual one', USUAL],
    ['a hard one', HARD],
  ])('is cheapest under cheap, soonest under fast, best under quality, least energy under green: %s', (_, sketch) => {
    const under = Object.fromEntries(
      ['default', 'cheap', 'fast', 'quality', 'green'].map(name => [name, figures(name, { ...sketch, ...CLOUD })]),
    )
    for (const other of Object.values(under)) {
      expect(under.cheap?.cost_micros).toBeLessThanOrEqual(other.cost_micros ?? Number.POSITIVE_INFINITY)
      expect(under.fast?.latency_ms).toBeLessThanOrEqual(other.latency_ms)
      // By what is known of it: of two alike, the one whose quality is less certain counts for less.
      expect(under.quality?.quality_score).toBeGreaterThanOrEqual(other.quality_score)
      expect(under.green?.energy_wh).toBeLessThanOrEqual(other.energy_wh ?? Number.POSITIVE_INFINITY)
    }
  })
  it('costs more under default the harder it is', () => {
    const [easy, hard] = [EASY, HARD].map(sketch => figures('default', { ...sketch, ...CLOUD }))
    expect(easy?.cost_micros).toBeLessThan(hard?.cost_micros ?? 0)
    expect(easy?.target).not.toBe(hard?.target)
  })
})

describe('private-eu', () => {
  const inEurope = (id: string) => whole.by_id.get(id)?.terms.regions.every(region => region === 'eu' || region === 'local')
  it('plans nothing outside, whoever is down', () => {
    const policy = compiled('private-eu')
    const live = liveFor({ prompt: '' }, whole, {})
    const inside = live.targets.filter(target => inEurope(target.id)).map(target => target.id)
    for (let down = 0; down <= inside.length; down++) {
      const decided = trial(requestOf(USUAL), callerOf(USUAL), policy, live, {
        now_ms: instantOf(catalogue),
        model: MODEL,
        down: inside.slice(0, down),
      })
      expect(decided.ok && decided.value.plan.steps.every(step => inEurope(step.target))).toBe(true)
    }
  })
})
