/** What can be read off the source: who may write to a log, what goes into SQL, which expressions run over others' text, and what is depended on. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import project from '../../package.json'
import lock from '../../package-lock.json'

const ROOT = join(import.meta.dirname, '../..')
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')
/** What is bundled into the Worker. */
const served = readdirSync(join(ROOT, 'worker'), { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts') && !path.endsWith('.d.ts') && !/^(cli|simulate)\//.test(path))
  .map(path => `worker/${path}`)
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

describe('a log', () => {
  it('is written to in one place, by a reference and a stack, and never with a request', () => {
    const writers = served.filter(path => /\bconsole\s*[.[]/.test(withoutComments(textOf(path))))
    expect(writers).toEqual(['worker/env.ts'])
    const calls = withoutComments(textOf('worker/env.ts')).match(/console[^\n]*/g)
    expect(calls).toEqual([
      'console.error(JSON.stringify({ mishap: reference, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))',
    ])
  })
})

describe('a statement of SQL', () => {
  const statements = served
    .filter(path => !path.startsWith('worker/core/'))
    .flatMap(path =>
      [...withoutComments(textOf(path)).matchAll(/\bprepare\(\s*('[^']*'|`[^`]*`|[\w$.]+(?:\([^)]*\))?)/g)].map(
        found => [path, found[1] ?? ''] as const,
      ),
    )
  it('is found by this test', () => expect(statements.length).toBeGreaterThan(20))
  it('is a text of the source with its own constants in it; whatever comes from outside is bound', () => {
    const other = statements.filter(
      ([, text]) => !text.startsWith("'") && !/^`(?:[^$`]|\$\{[A-Z_]+\})*`$/.test(text) && !/^[A-Z_]+$/.test(text),
    )
    // Those that are put together, each from names of columns that stand in the same file.
    expect([...new Set(other.map(([path]) => path))].sort()).toEqual([
      'worker/store/spent-before.ts',
      'worker/store/usage-daily.ts',
      'worker/store/usage-query.ts',
    ])
  })
})

/** A regular expression of the source: where an expression may begin, and not inside a string, whose slashes follow a quote. */
const LITERAL = /(?<=[(,=:[!&|?;>]\s?)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g
const expressions = served.flatMap(path =>
  [...withoutComments(textOf(path)).matchAll(LITERAL)].map(([, source = '', flags = '']) => ({
    path,
    expression: new RegExp(source, flags),
  })),
)

describe('a regular expression', () => {
  const LONG = 4_096
  /** Runs of what the expression itself is made of, which is what makes one backtrack, and an end that does not fit. */
  const hostile = ({ source }: RegExp) => {
    const own = [...new Set(source.replace(/\\[a-zA-Z](\{[^}]*\})?/g, '').replace(/[\\[\](){}|^$?*+.]/g, ''))].slice(0, 12)
    const units = [
      ...own,
      'a',
      'A',
      '0',
      ' ',
      '\n',
      '-',
      '.',
      ':',
      '"',
      '<',
      '/',
      'é',
      '日',
      'a0',
      'a ',
      '0-',
      'a.',
      '": ',
      ...(own.length > 1 ? [own.slice(0, 4).join('')] : []),
    ]
    return units.flatMap(unit => [`${unit.repeat(LONG / unit.length)}\u0000`, `\u0000${unit.repeat(LONG / unit.length)}`])
  }
  it('is found by this test', () => expect(expressions.length).toBeGreaterThan(60))
  it('that backtracks would be found by this test', { timeout: 60_000 }, () =>
    expect(slowest(/^(a+)+$/, [`${'a'.repeat(25)}\u0000`])).toBeGreaterThan(20),
  )
  it.each([...new Map(expressions.map(each => [`${each.path} ${String(each.expression)}`, each])).entries()])(
    '%s is done with 4 kB of hostile text at once',
    (_, { expression }) => expect(slowest(expression, hostile(expression))).toBeLessThan(20),
  )

  /** Processor milliseconds for the worst text, the best of three, since other threads run as well. */
  function slowest(expression: RegExp, texts: string[]): number {
    const timed = (text: string) => {
      const started = process.cpuUsage()
      expression.lastIndex = 0
      text.search(expression)
      return process.cpuUsage(started).user / 1_000
    }
    return Math.max(...texts.map(text => (timed(text) < 5 ? 0 : Math.min(timed(text), timed(text)))))
  }
})

describe('nothing is kept by what it looks like', () => {
  it('no cache of answers, by prompt or by meaning, is anywhere', () => {
    for (const path of served)
      expect([path, /\bcaches\.(default|open)\b|\bVECTORIZE\b/.test(withoutComments(textOf(path)))]).toEqual([path, false])
  })
})

describe('what is depended on', () => {
  it('is few at run time, each at one exact version', () => {
    expect(Object.keys(project.dependencies)).toEqual([
      '@marcbachmann/cel-js',
      '@smithy/eventstream-codec',
      'aws4fetch',
      'eventsource-parser',
      'hono',
      'jose',
      'yaml',
      'zod',
    ])
    for (const [name, version] of Object.entries({ ...project.dependencies, ...project.devDependencies }))
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)])
  })
  it('is locked by a hash of its content', () => {
    const packages = Object.entries(lock.packages as Record<string, { integrity?: string; link?: boolean; inBundle?: boolean }>)
    const unlocked = packages.filter(([path, { integrity, link, inBundle }]) => path !== '' && !integrity && !link && !inBundle)
    expect(unlocked.map(([path]) => path)).toEqual([])
    expect(packages.length).toBeGreaterThan(100)
  })
  it('runs no script of its own on installation, but those that are listed', () => {
    const scripts = Object.entries(lock.packages as Record<string, { hasInstallScript?: boolean }>).filter(
      ([, each]) => each.hasInstallScript,
    )
    const allowed = Object.keys(project.allowScripts)
    for (const [path] of scripts) {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      expect([name, allowed.includes(name) || name === 'fsevents']).toEqual([name, true])
    }
  })
  it('is a framework without the faults that are known of it: later than 4.12.25', () => {
    const [major = 0, minor = 0] = project.dependencies.hono.split('.').map(Number)
    expect(major * 1_000 + minor).toBeGreaterThanOrEqual(4_013)
  })
})

describe('the repository', () => {
  /** Keys as providers and clouds make them, with their real lengths; examples in tests are shorter or say what they are. */
  const KEYS = [
    /\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}/,
    /\bsk-ant-api\d\d-[A-Za-z0-9_-]{80,}/,
    /\bAIza[A-Za-z0-9_-]{35}\b/,
    /\bgh[pousr]_(?!16C7e42F292c6912E7710c838347Ae178B4a)[A-Za-z0-9]{36,}/,
    /\bxai-[A-Za-z0-9]{60,}/,
    /\bgsk_[A-Za-z0-9]{40,}/,
    /\bAKIA(?!IOSFOD)[A-Z0-9]{16}\b/,
    /-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----(?:\s|\\n)+[A-Za-z0-9+/]{60,}/,
    /\bsk-sb(?:1|adm)_[A-Za-z0-9]{60}\b/,
  ]
  it('holds no key', () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 })
      .split('\0')
      .filter(Boolean)
    const found = tracked
      .filter(path => !path.endsWith('.bin'))
      .filter(path => {
        const text = textOf(path)
        return KEYS.some(key => key.test(text))
      })
    expect(found).toEqual([])
    expect(tracked.length).toBeGreaterThan(300)
  })
  it('would be seen to hold one', () => expect(KEYS.some(key => key.test(`AIza${'x'.repeat(35)}`))).toBe(true))
})
