/** The graded suite: that its graders tell right from wrong, that rates become priors on the catalogue's scale, and the command. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askAll } from '../../worker/cli/evaluate-ask.ts'
import { reasonAgainst } from '../../worker/cli/evaluate-grade.ts'
import { anchors, type Measured, measuredRows } from '../../worker/cli/evaluate-priors.ts'
import { bodyFor, type Graders, type Item, readSuite, readTools } from '../../worker/cli/evaluate-suite.ts'
import { quality } from '../../worker/schema/catalogue.ts'
import { TASKS } from '../../worker/schema/features.ts'

const suite = readSuite()
const said = (text: string) => ({ text, calls: [] })

describe('the suite', () => {
  it('has at least two hundred prompts, and fifteen of every task', () => {
    expect(suite.length).toBeGreaterThanOrEqual(200)
    for (const task of TASKS) expect(suite.filter(item => item.task === task).length, task).toBeGreaterThanOrEqual(15)
    expect(new Set(suite.map(item => JSON.stringify(item.turns ?? item.ask))).size).toBe(suite.length)
  })
  it('offers only tools that are declared', () => {
    const tools = readTools()
    for (const item of suite) expect(() => bodyFor(item, 'p/m', tools, 10)).not.toThrow()
  })
  it('is not passed by saying nothing, nor by a sentence about nothing', async () => {
    const passes = async (text: string) => {
      const reasons = await Promise.all(suite.filter(item => !item.sql && !item.regex).map(item => reasonAgainst(item, said(text))))
      return reasons.filter(reason => reason === null).length / reasons.length
    }
    expect(await passes('')).toBe(0)
    expect(await passes('This is a demo answer of no use to anybody.')).toBeLessThan(0.05)
  })
})

/** One right solution for each of the code items, in order: a grader nobody can satisfy would measure nothing. */
const SOLUTIONS = [
  'SELECT email FROM users GROUP BY email HAVING count(*) > 1',
  'SELECT customer, sum(cents) FROM orders GROUP BY customer ORDER BY 2 DESC;',
  '```sql\nSELECT name FROM authors WHERE id NOT IN (SELECT author_id FROM books)\n```',
  'SELECT dept, name FROM salaries s WHERE pay = (SELECT max(pay) FROM salaries WHERE dept = s.dept)',
  'SELECT day, c - lag(c) OVER (ORDER BY day) FROM temps',
  "SELECT strftime('%Y-%m', day), sum(cents) FROM sales GROUP BY 1",
  'WITH RECURSIVE below(id) AS (SELECT id FROM employees WHERE manager_id = 1 UNION SELECT e.id FROM employees e JOIN below b ON e.manager_id = b.id) SELECT name FROM employees WHERE id IN below',
  'SELECT DISTINCT points FROM scores ORDER BY points DESC LIMIT 1 OFFSET 1',
  "SELECT user_id FROM visits WHERE page IN ('home', 'pricing') GROUP BY user_id HAVING count(DISTINCT page) = 2",
  '`\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])`',
  '/^#([0-9a-f]{3}|[0-9a-f]{6})$/i',
  '((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}',
  '[a-z]*[aeiou]{2}[a-z]*',
  '(?=.*\\d)(?=.*[a-z])(?=.*[A-Z]).{8,}',
  '[+-]?\\d+(\\.\\d+)?',
  '([01]\\d|2[0-3]):[0-5]\\d',
  '[a-z0-9]+(-[a-z0-9]+)*',
  '(\\(\\))+',
]

describe('code', () => {
  const items = suite.filter(item => item.task === 'code_generation')
  it.each(items.map((item, i) => [item.ask, item, SOLUTIONS[i] ?? ''] as const))('%s', async (_, item, solution) => {
    expect(await reasonAgainst(item, said(solution))).toBeNull()
    expect(await reasonAgainst(item, said(item.sql ? 'SELECT 1 WHERE 1 = 0' : 'x'))).not.toBeNull()
  })
  it('that never ends is ended', async () => {
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
    expect(await reasonAgainst({ sql: { setup: 'SELECT 1', rows: [] } }, said(endless))).toBe('takes too long')
    expect(await reasonAgainst({ regex: { match: [`${'a'.repeat(40)}!`], reject: [] } }, said('(a+)+'))).toMatch(/too long|does not match/)
  })
  it.each([
    ['writes', 'DELETE FROM t', 'is no query'],
    ['opens another database', "SELECT 1; ATTACH 'x.db' AS x", 'does more than ask'],
    ['is no SQL', 'SELECT FROM', /syntax/],
  ])('that %s fails', async (_, text, why) => {
    expect(await reasonAgainst({ sql: { setup: 'CREATE TABLE t(x)', rows: [] } }, said(text))).toMatch(why)
  })
})

describe('a grader', () => {
  it.each<[string, Graders, string]>([
    ['forgives a full stop, quotes and capitals', { is: 'Canberra' }, '"canberra."'],
    ['takes one of several', { is: ['norwegian', 'danish'] }, 'Danish'],
    ['forgives thoughts before the answer', { is: 'east' }, '<think>north, then...</think>\nEast'],
    ['takes the last number', { number: 2315.25, within: 0.01 }, 'It comes to 2,315.25'],
    ['reads a true minus', { number: -12 }, 'x = −12'],
    ['reads JSON in a fence', { json: { name: 'Nora', age: 34 } }, '```json\n{"age": 34, "name": "nora"}\n```'],
    ['counts lines that say something', { form: { lines: 3, initials: 'SEA' } }, 'Sun\n\nEbb\nAir\n'],
    ['hears the language', { language: 'de' }, 'Mir geht es gut, danke der Nachfrage, und wie geht es dir heute?'],
    ['takes an option with a word after it', { letter: 'C' }, 'C) Room C'],
  ])('%s', async (_, graders, text) => expect(await reasonAgainst(graders, said(text))).toBeNull())

  it.each<[string, Graders, string, string]>([
    ['another word', { is: 'Canberra' }, 'Sydney', 'is not "Canberra"'],
    ['another number', { number: 80 }, '81', 'is not 80'],
    ['a sentence around JSON', { json: [1] }, 'Here it is: [1]', 'is no JSON'],
    ['a member too many', { json: { a: 1 } }, '{"a":1,"b":2}', 'is other JSON'],
    ['a word it was told to leave out', { never: ['sea'] }, 'The Sea', 'says "sea"'],
    ['too many words', { form: { words_at_most: 3 } }, 'one two three four', 'has 4 words'],
    ['small letters', { says: ['GOOD'], exact_case: true }, 'good', 'does not say "GOOD"'],
  ])('does not take %s', async (_, graders, text, why) => expect(await reasonAgainst(graders, said(text))).toBe(why))

  it('looks at the tool that is called, and at its arguments', async () => {
    const graders: Graders = { calls: { name: 'weather', arguments: { city: 'Lisbon' } } }
    const calling = (name: string, args: object) => ({ text: '', calls: [{ name, arguments: JSON.stringify(args) }] })
    expect(await reasonAgainst(graders, calling('weather', { city: 'lisbon', unit: 'C' }))).toBeNull()
    expect(await reasonAgainst(graders, calling('weather', { city: 'Porto' }))).toBe('calls weather with other arguments')
    expect(await reasonAgainst(graders, calling('search', {}))).toBe('calls search')
    expect(await reasonAgainst(graders, said('Sunny'))).toBe('calls nothing')
    expect(await reasonAgainst({ calls_none: true, number: 4 }, { text: '4', calls: [{ name: 'weather', arguments: '{}' }] })).toBe(
      'calls weather',
    )
  })
})

describe('measured priors', () => {
  const target = (name: string, passed: number, published: number | null): Measured => ({
    target: name,
    tallies: new Map(TASKS.map(task => [task, { passed, graded: 18 }])),
    published: published === null ? null : new Float64Array(TASKS.length).fill(published),
  })
  const scoreOf = (one: Measured, all: Measured[]) => measuredRows(one, anchors(all), '2026-11-24')[0]?.score as number

  it('are rows as the catalogue has them, with the count and the day', () => {
    const one = target('p/a', 9, 0.5)
    const rows = measuredRows(one, anchors([one]), '2026-11-24')
    expect(rows).toHaveLength(TASKS.length)
    expect(quality.parse(rows[0])).toEqual({
      task: TASKS[0],
      score: 0.5,
      uncertainty: expect.closeTo(0.125, 2),
      benchmark: 'signalbox suite 9/18',
      source: { name: 'signalbox evaluate', as_of: '2026-11-24' },
    })
  })
  it('are on the scale of what is published: an easy suite makes nobody strong', () => {
    const all = [target('p/small', 15, 0.3), target('p/large', 17, 0.7), target('p/new', 16, null)]
    const [small, large, fresh] = all.map(each => scoreOf(each, all)) as [number, number, number]
    expect(small).toBeLessThan(fresh)
    expect(fresh).toBeLessThan(large)
    expect(fresh).toBeGreaterThan(0.3)
    expect(fresh).toBeLessThan(0.7)
  })
  it('are never certain, however many pass', () => {
    const one = target('p/a', 18, null)
    for (const { score, uncertainty } of measuredRows(one, anchors([one]), '2026-11-24')) {
      expect(score).toBeLessThan(1)
      expect(uncertainty).toBeGreaterThanOrEqual(0.05)
    }
  })
})

describe('asking', () => {
  let server: Server
  let url: string
  const seen: { model: string; authorization: string | undefined }[] = []
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = ''
      request.on('data', piece => {
        text += piece
      })
      request.on('end', () => {
        const { model } = JSON.parse(text) as { model: string }
        seen.push({ model, authorization: request.headers.authorization })
        response.setHeader('content-type', 'application/json')
        if (model === 'p/down') response.writeHead(503).end('{"error":{"message":"nobody"}}')
        else if (model === 'p/shut') response.writeHead(401).end('{"error":{"message":"wrong key"}}')
        else response.end(JSON.stringify({ choices: [{ message: { content: 'Canberra' } }] }))
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  const item: Item = { id: 'factual_question-1', task: 'factual_question', ask: 'The capital of Australia?', is: 'Canberra' }
  const question = (target: string) => ({ target, item, body: bodyFor(item, target, new Map(), 10) })
  const router = () => ({ url, key: 'sk-test' })

  it('goes to each target by its name, with the key, and grades what comes', async () => {
    const graded = await askAll([question('p/a'), question('p/b'), question('p/a')], router(), 2)
    expect(graded.map(({ target, reason, unanswered }) => [target, reason, unanswered])).toEqual([
      ['p/a', null, false],
      ['p/b', null, false],
      ['p/a', null, false],
    ])
    expect(seen[0]).toEqual({ model: 'p/a', authorization: 'Bearer sk-test' })
  })
  it('counts a failure to answer as no answer, and not as a wrong one', async () => {
    expect(await askAll([question('p/down')], router(), 1)).toMatchObject([{ unanswered: true, reason: '503: nobody' }])
  })
  it('ends where the key is not taken', async () => {
    await expect(askAll([question('p/shut')], router(), 1)).rejects.toThrow(/answered 401: wrong key/)
  })
})
