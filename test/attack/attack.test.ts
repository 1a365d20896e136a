import { describe, expect, it } from 'vitest'
import { attackReport, SHORT } from './attack.ts'
import { PLACES, withGadget } from './search.ts'

const report = attackReport(SHORT)
const of = (name: string) => report.attacks.filter(each => each.name === name)

describe('text that is made to look hard', () => {
  it('is tried before, behind and between the words of a prompt', () => {
    expect(PLACES.map(place => withGadget('one two three', ['x', 'y'], place))).toEqual([
      'x y. one two three',
      'one two three x y.',
      'one x two y three',
    ])
    expect(report.attacks).toHaveLength(9)
  })
  it('is found by the search: it raises difficulty where ordinary words do not', () => {
    for (const { difficulty } of of('white box')) expect(difficulty).toBeGreaterThan(report.clean_difficulty + 0.2)
    for (const { difficulty } of of('greedy')) expect(difficulty).toBeGreaterThan(report.clean_difficulty)
    for (const { difficulty } of of('random')) expect(difficulty).toBeLessThan(report.clean_difficulty + 0.05)
  })
  it('buys dear targets where nothing bounds it', () => expect(Math.max(...report.attacks.map(each => each.spend))).toBeGreaterThan(2))
  it.each(report.attacks.map(each => [each.name, each.place, each] as const))(
    'costs at most a tenth more than honest traffic with the bound on: %s, %s',
    (_, __, { bounded }) => expect(bounded).toBeLessThanOrEqual(1.1),
  )
})
