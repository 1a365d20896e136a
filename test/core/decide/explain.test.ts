import { describe, expect, it } from 'vitest'
import { decide } from '../../../worker/core/decide/decide.ts'
import { explain, explainOutcome, explainUndecided, reasonLine, refusalSentences } from '../../../worker/core/decide/explain.ts'
import { REFUSAL_REASONS } from '../../../worker/schema/decision.ts'
import { chat, FEATURES, NOW_MS, type WorldFacts, worldWith } from './small-world.ts'

const decided = (world: WorldFacts = {}, model = 'auto') => decide(chat({ model }), FEATURES, worldWith(world))
function recordOf(world: WorldFacts = {}, model = 'auto') {
  const result = decided(world, model)
  if (!result.ok) throw new Error(result.error.code)
  return result.value
}

describe('the line in the header', () => {
  it('says why in numbers', () => {
    expect(reasonLine(recordOf())).toBe('best of 3 for conversation, difficulty 0.50: quality 0.85, $0.0110, 5.5 s')
  })
  it('names the rules that matched', () => {
    expect(reasonLine(recordOf({ policy: { rules: [{ name: 'all', when: 'true', do: { pin: 'south/weak' } }] } }))).toMatch(
      /^named, of 3 .*; rules: all$/,
    )
  })
  it('says first that another than the chosen target answered', () => {
    expect(reasonLine(recordOf(), 'north/middle')).toMatch(/^failed over from north\/strong, best of 3 /)
  })
  it('is ASCII and at most 200 characters, whatever the rules are called', () => {
    const rules = Array.from({ length: 20 }, (_, i) => ({ name: `règle ${i} \u{1F682}`, when: 'true', do: { reweigh: { quality: 1 } } }))
    const line = reasonLine(recordOf({ policy: { rules } }))
    expect(line.length).toBeLessThanOrEqual(200)
    expect(line).toMatch(/^[\x20-\x7e]+$/)
  })
})

describe('the explanation', () => {
  it('says who was chosen, what was understood, against whom, and what follows a failure', () => {
    expect(explain(recordOf({ policy: { objective: { quality: 4, cost: 1 } } }))).toEqual([
      'north/strong was chosen under policy "default": it scores highest of 3 eligible targets.',
      'The request looks like conversation (100 % sure), difficulty 0.50 of 1, language "en"; about 200 tokens in and 400 out.',
      expect.stringMatching(
        /^Against north\/middle \(0\.\d+ to 0\.\d+\): quality \+0\.\d+ \(0\.85 against 0\.65\), cost -0\.\d+ \(\$0\.0110 against \$0\.0009\)\.$/,
      ),
      'Beaten by none in quality, cost, latency and energy at once: north/strong, north/middle, south/weak.',
      'If it fails: north/middle, then south/weak (at most 3 calls in all, 300 s).',
      'Decision dec_00000000-0000-0000-0000-000000000000: nothing was known of health yet.',
    ])
  })
  it.each([
    ['a name', {}, 'weak', 'the caller asked for "weak"; it is the only eligible target'],
    ['a pin', { policy: { rules: [{ name: 'r', when: 'true', do: { pin: 'south/weak' } }] } }, 'auto', 'a rule prefers it'],
    [
      'a split',
      {
        policy: {
          rules: [
            {
              name: 'r',
              when: 'true',
              do: {
                split: [
                  { to: 'south/*', weight: 1 },
                  { to: 'north/*', weight: 3 },
                ],
              },
            },
          ],
        },
        draw: 0,
      },
      'auto',
      'by a split: it gets 25 % of such requests',
    ],
    ['exploration', { policy: { explore: 0.5 }, draw: 0 }, 'auto', 'by exploration'],
    [
      'a panic',
      { health: { 'south/weak': { state: 'open' as const, until_ms: NOW_MS + 1 } } },
      'weak',
      'although it is being left alone: nobody else could answer',
    ],
  ])('says so for %s', (_, world, model, words) => expect(explain(recordOf(world, model))[0]).toContain(words))
  it('says who was refused and for what', () => {
    expect(explain(recordOf({ policy: { require: { regions: ['eu'] } } }))).toContain(
      'Refused, outside the regions eu: north/strong (us), north/middle (us).',
    )
  })
  it('names a few of many refused', () => {
    const targets = Array.from({ length: 9 }, (_, i) => ({ target: `p/${i}` }))
    expect(refusalSentences([{ reason: 'tools', need: 'tools', count: 120, targets }])).toEqual([
      'Refused, cannot call tools: p/0, p/1, p/2, p/3 and 116 more.',
    ])
  })
  it.each(REFUSAL_REASONS.map(reason => [reason]))('has words for the refusal "%s"', reason => {
    expect(refusalSentences([{ reason, count: 1, targets: [{ target: 'p/x' }] }])[0]).toMatch(/^Refused, .+: p\/x\.$/)
  })
})

describe('the explanation of what came of it', () => {
  const call = { role: 'answer' as const, sent_at_ms: NOW_MS, headers_ms: null, first_token_ms: null, probe: false, usage: null }
  it('names each call and how it ended, and what the caller saw', () => {
    const attempts = [
      { ...call, target: 'north/strong', class: 'server' as const, status: 503, ended_ms: 40, detail: 'overloaded' },
      { ...call, target: 'north/middle', class: 'ok' as const, status: 200, ended_ms: 1_250, detail: null },
    ]
    expect(explainOutcome({ outcome: 'completed', attempts, losses: [] })).toEqual([
      'north/strong failed (status 503, overloaded) after 0.04 s.',
      'north/middle answered after 1.25 s.',
      'The caller got the whole answer.',
    ])
  })
  it('says what translation lost to the end', () => {
    const losses = [
      { loss: 'messages[].name', how: 'dropped' as const, count: 3, field: 'messages[1].name' },
      { loss: 'tool_choice', how: 'emulated' as const, count: 1, field: 'tool_choice' },
    ]
    expect(explainOutcome({ outcome: 'completed', attempts: [], losses }).at(-1)).toBe(
      'Translation, there and back: dropped messages[].name (3 times), emulated tool_choice.',
    )
  })
})

describe('the explanation of no decision', () => {
  it.each([
    ['an unknown name', {}, 'wek', /Nothing here is called "wek"\. Near: /],
    [
      'a refusing rule',
      { policy: { rules: [{ name: 'r', when: 'true', do: { refuse: 'not today' } }] } },
      'auto',
      /The rule "r" of policy "default" refuses this request: not today/,
    ],
    ['nobody eligible', { policy: { require: { regions: ['mars'] } } }, 'auto', /No target may answer under policy "default"/],
  ])('says so for %s', (_, world, model, words) => {
    const result = decided(world, model)
    expect(!result.ok && explainUndecided(result.error)[0]).toMatch(words)
  })
})
