import { describe, expect, it } from 'vitest'
import { checkPolicy, worstCase } from '../../../worker/core/decide/lint.ts'
import { THREE } from './small-world.ts'

const HEAD = 'name: p\nobjective: { quality: 1 }\n'
const found = (text: string) =>
  checkPolicy(text, THREE).map(({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`)
const rule = (name: string, when: string, action: string, more = '') => `  - name: ${name}\n    when: ${when}\n    do: ${action}\n${more}`

describe('beside a catalogue, a policy', () => {
  it('that is sound has no findings', () => expect(found(`${HEAD}targets: ['north/*']\n`)).toEqual([]))
  it('that does not parse has its problems', () => expect(found('name: p\n')[0]).toMatch(/error/))
  it('that names a target which is not there is told, with near ones', () => {
    expect(found(`${HEAD}rules:\n${rule('r', '"true"', '{ pin: north/stong }')}`)).toContain(
      '6:16 error "north/stong" is no target of the catalogue; near: north/strong',
    )
  })
  it('with a test about a target that is not there is warned', () => {
    expect(found(`${HEAD}tests:\n  - { name: t, request: { prompt: hi }, expect: { not_target: north/gone } }\n`)).toEqual([
      expect.stringMatching(/^4:\d+ warning "north\/gone" is no target of the catalogue/),
    ])
  })
  it('may be for targets that serve another endpoint than chat, and for those alone', () => {
    const { providers, targets, ...rest } = THREE
    const vectors = {
      ...THREE.targets[0],
      id: 'north/vectors',
      model: 'vectors',
      serves: ['embeddings' as const],
    } as (typeof targets)[number]
    expect(checkPolicy(`${HEAD}targets: [north/vectors]\n`, { ...rest, providers, targets: [...targets, vectors] })).toEqual([])
  })
  it('that nothing satisfies is told why', () => {
    expect(found(`${HEAD}require: { regions: [mars] }\n`)).toEqual([
      '3:10 error no target of the catalogue satisfies this policy: all are refused for region',
    ])
  })
  it('with a rule that can never match is warned', () => {
    expect(found(`${HEAD}rules:\n${rule('r', 'task == "codegen"', '{ refuse: no }')}`)).toEqual([
      '5:11 warning the rule "r" can never match',
    ])
  })
  it.each([
    ['last', '{ pin: north/strong }', '    last: true\n'],
    ['a refusal', '{ refuse: no }', ''],
  ])('with a rule after one that always matches and is %s is warned', (_, action, more) => {
    expect(found(`${HEAD}rules:\n${rule('all', '"true"', action, more)}${rule('later', 'streaming', '{ refuse: no }')}`)[0]).toMatch(
      /"later" is never reached: "all" always matches/,
    )
  })
})

describe('the worst case of a policy', () => {
  it('is its calls, its time, and the dearest target for each call', () => {
    // 128,000 tokens in at $5 and 16,000 out at $25 a million: $1.04 a call.
    expect(worstCase(`${HEAD}limits: { attempts: 2, total_ms: 60000 }\n`, THREE)).toEqual({
      calls: 2,
      total_ms: 60_000,
      usual_cost_micros: 2 * 35_000,
      most_cost_micros: 2 * 1_040_000,
      dearest: 'north/strong',
    })
  })
  it("is bounded by the policy's own limit on cost", () => {
    expect(worstCase(`${HEAD}limits: { attempts: 2, cost_at_most_usd: 0.01 }\n`, THREE)?.most_cost_micros).toBe(20_000)
  })
  it('counts shadows', () => {
    expect(worstCase(`${HEAD}rules:\n${rule('s', 'streaming', '{ shadow: { to: south/weak, share: 0.1 } }')}`, THREE)?.calls).toBe(4)
  })
})
