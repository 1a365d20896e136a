import { describe, expect, it } from 'vitest'
import { compilePolicy, POLICY_TEXT_LIMIT, problemLine } from '../../../worker/core/decide/rules.ts'

const HEAD = 'name: p\nobjective: { quality: 1 }\n'
const problemsOf = (text: string) => {
  const compiled = compilePolicy(text, 'v')
  return compiled.ok ? [] : compiled.error
}
const firstOf = (text: string) => {
  const [first] = problemsOf(text)
  return first ? `${first.line}:${first.column} ${first.message}` : 'no problem'
}
const withRule = (when: string, action = '{ refuse: no }') => `${HEAD}rules:\n  - name: r\n    when: ${when}\n    do: ${action}\n`

describe('a policy', () => {
  it('may be written in YAML or in JSON, and means the same', () => {
    const yaml = compilePolicy(withRule('difficulty > 0.5'), 'v')
    const json = compilePolicy(
      JSON.stringify({ name: 'p', objective: { quality: 1 }, rules: [{ name: 'r', when: 'difficulty > 0.5', do: { refuse: 'no' } }] }),
      'v',
    )
    expect(yaml.ok && json.ok && json.value.policy).toEqual(yaml.ok && yaml.value.policy)
  })
  it('may be JSON indented by tabs', () => {
    expect(compilePolicy(JSON.stringify({ name: 'p', objective: { quality: 1 } }, null, '\t'), 'v').ok).toBe(true)
  })
  it('keeps the version it was given', () => expect(compilePolicy(HEAD, 'abc')).toMatchObject({ value: { version: 'abc' } }))
})

describe('a problem is shown where it is', () => {
  it.each([
    ['a rule of health out of bounds', 'name: default\nobjective: { quality: 1 }\nhealth:\n  open:\n    backoff_first_ms: 1\n', /^5:23 /],
    [
      'rules of health that contradict each other',
      'name: default\nobjective: { quality: 1 }\nhealth: { open: { backoff_first_ms: 60000 } }\n',
      /it is less than backoff_first_ms/,
    ],
    [
      'rules of health where they would not be read',
      `${HEAD}health: { ramp: { for_ms: 60000 } }\n`,
      /^3:1 .*only the policy named default/,
    ],
    ['broken YAML', 'name: [', /^1:/],
    ['a key that is there twice', 'name: p\nname: q\nobjective: { quality: 1 }\n', /^2:1 /],
    ['an unknown key', `${HEAD}limts: { attempts: 2 }\n`, /^3:1 there is no "limts" here; near: limits$/],
    ['an unknown key inside', `${HEAD}limits: { atempts: 2 }\n`, /^3:11 there is no "atempts" here/],
    ['a value out of range', `${HEAD}limits:\n  attempts: 9\n`, /^4:13 /],
    ['a missing key', 'objective: { quality: 1 }\n', /^1:1 /],
    [
      'an action that is none',
      `${HEAD}rules:\n  - name: r\n    when: "true"\n    do: { narow: [a/b] }\n`,
      /^6:11 there is no "narow" here; near: narrow$/,
    ],
    [
      'an action that is two',
      `${HEAD}rules:\n  - name: r\n    when: "true"\n    do: { pin: a/b, refuse: no }\n`,
      /^6:9 a rule does exactly one of/,
    ],
    ['the inside of an action', `${HEAD}rules:\n  - name: r\n    when: "true"\n    do: { pin: 7 }\n`, /^6:16 /],
    ['weights that prefer nothing', 'name: p\nobjective: { quality: 0 }\n', /^2:12 at least one of/],
    ['weights of a rule that prefer nothing', withRule('"true"', '{ reweigh: { cost: 0 } }'), /at least one of/],
    [
      'a group that is not there',
      `${HEAD}targets: [group:strnog]\ngroups: { strong: [a/b] }\n`,
      /^3:11 there is no group "strnog" in this policy; near: strong$/,
    ],
    ['a name that carries a path', 'name: ../x\nobjective: { quality: 1 }\n', /^1:7 /],
  ])('%s', (_, text, problem) => expect(firstOf(text)).toMatch(problem))

  it.each([
    ['plain', 'tsk == "a"', '5:11'],
    ['plain, further on', 'difficulty > 0.5 && tsk == "a"', '5:31'],
    ['in single quotes', `'task == "a" && tsk == "b"'`, '5:27'],
    ['in double quotes with escapes', '"task == \\"a\\" && tsk == \\"b\\""', '5:29'],
    ['folded', '>\n      difficulty > 0.5 &&\n      tsk == "a"', '7:7'],
    ['a literal block', '|\n      difficulty > 0.5\n        && tsk == "a"', '7:12'],
    ['plain over two lines', 'difficulty > 0.5 &&\n      tsk == "a"', '6:7'],
  ])('inside a condition that is %s', (_, when, place) => {
    expect(firstOf(withRule(when))).toBe(`${place} there is no variable "tsk"; near: task`)
  })
  it('all at once, for every rule', () => {
    const rule = (name: string) => `  - name: ${name}\n    when: nope > 1\n    do: { refuse: no }\n`
    expect(problemsOf(`${HEAD}rules:\n${rule('a')}${rule('b')}`).map(each => each.line)).toEqual([5, 8])
  })
  it('as editors and CI read it', () => {
    const [problem] = problemsOf(withRule('tsk == "a"'))
    expect(problem && problemLine('p.yaml', problem)).toBe('p.yaml:5:11: there is no variable "tsk"; near: task (rules.0.when)')
  })
})

describe('a condition is refused', () => {
  it.each([
    ['that does not parse', 'task ==', /Unexpected token/],
    ['with one &', 'tool_required & tool_results', /./],
    ['that gives a number', 'prompt_tokens', /must give a bool, this gives int/],
    ['that compares text with a number', 'task > 3', /no such overload/],
    ['over a field that is not there', 'caller.teer == "gold"', /there is no field "teer"; near: tier/],
    ['with a pattern', 'task.matches("(a+)+$")', /"matches" is not allowed/],
    ['with a loop in a loop', 'personal_data.exists(a, input_modalities.exists(b, a == b))', /inside another loop/],
    ['that is deeper than anybody writes', `'${'!'.repeat(500)}true'`, /./],
    ['that is longer than anybody reads', `'${'true || '.repeat(300)}true'`, /./],
  ])('%s', (_, when, message) => expect(problemsOf(withRule(when))[0]?.message).toMatch(message))
  it('but not with one loop after another', () => {
    expect(problemsOf(withRule('personal_data.exists(a, a == "card") && input_modalities.all(b, b == "text")'))).toEqual([])
  })
})

describe('a document made to hurt', () => {
  it('that is too long is not read', () => expect(firstOf(`${HEAD}#${'x'.repeat(POLICY_TEXT_LIMIT)}`)).toMatch(/at most 262144 characters/))
  it('whose aliases multiply is not expanded', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...Array.from({ length: 8 }, (_, i) => `${'bcdefghi'[i]}: &${'bcdefghi'[i]} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`),
    ].join('\n')
    expect(problemsOf(bomb)[0]?.message).toMatch(/alias/i)
  })
  it('that reaches for the prototype is refused', () => {
    expect(problemsOf(`${HEAD}__proto__: { x: 1 }\n`)[0]?.message).toMatch(/there is no "__proto__"/)
    expect(problemsOf(withRule('caller.__proto__ == caller.tier'))[0]?.message).toMatch(/there is no field/)
  })
})
