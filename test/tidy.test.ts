/**
 * The house rules, read off the source: imports run down, the core is pure, providers are data, nothing is dead. Each
 * failure names the file and the reason.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import catalogue from '../policies/catalogue.json'

const ROOT = join(import.meta.dirname, '..')

/** Rooms from the ground up. A file may import from its own room and from those that its room stands on. */
const STANDS_ON: Record<string, string[]> = {
  schema: [],
  core: ['schema'],
  stream: ['core', 'schema', 'dialects/dialect.ts'],
  dialects: ['stream', 'core', 'schema'],
  dispatch: ['dialects', 'stream', 'core', 'schema'],
  store: ['core', 'schema', 'policies', 'bindings'],
  routes: ['dispatch', 'dialects', 'stream', 'store', 'core', 'schema', 'policies', 'env.ts'],
  simulate: ['dispatch', 'dialects', 'stream', 'core', 'schema', 'policies'],
  console: ['routes', 'store', 'core', 'schema', 'policies'],
  cli: ['simulate', 'dispatch', 'dialects', 'stream', 'store', 'core', 'schema', 'policies'],
}
/** What the pure rooms may not touch: the clock, chance, the network, waiting, and the framework. */
const EFFECTS: [word: RegExp, name: string][] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, 'the clock'],
  [/\bMath\.random\b|\bcrypto\b/, 'chance'],
  [/(?<![.\w])fetch\(/, 'the network'],
  [/\bsetTimeout\b|\bsetInterval\b/, 'waiting'],
  [/\basync\b|\bawait\b|\bPromise\b/, 'asynchrony'],
  [/from 'hono/, 'the web framework'],
]

type Source = { path: string; room: string; text: string; code: string; imports: string[] }

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? (entry.name === 'node_modules' ? [] : filesUnder(path)) : [path]
  })
}

/** A comment, a string or a template, whichever begins first: the others' marks inside it mean nothing. */
const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g

/** Comments are prose and may name anything; code may not. A method's signature in a type calls nobody. */
function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, found => (found.startsWith('/') ? '' : found)).replace(/^ +\w+\([^\n]*\): Promise<\w+>$/gm, '')
}

/** Strings are data: the core recognises the word `async` in a prompt. */
function withoutStrings(code: string): string {
  return code.replace(COMMENT_OR_STRING, "''")
}

function sourceOf(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const room = path.startsWith('worker/') && path.split('/').length > 2 ? (path.split('/')[1] ?? '') : ''
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g), ...text.matchAll(/new URL\(\s*'(\.[^']+\.ts)'/g)].map(found =>
    relative(ROOT, join(ROOT, path, '..', found[1] ?? '')),
  )
  return { path, room, text, code: withoutComments(text), imports }
}

const isSource = (path: string) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts')
const worker = filesUnder('worker').filter(isSource).map(sourceOf)
const others = [...filesUnder('test'), ...filesUnder('policies')].filter(isSource).map(sourceOf)

describe('every file of worker/', () => {
  it.each(worker.filter(source => source.room).map(source => [source.path, source] as const))(
    '%s imports downward only',
    (_, { room, imports }) => {
      const below = STANDS_ON[room]
      expect(below, `worker/${room} is no room of the house`).toBeDefined()
      const upward = imports.filter(
        path =>
          !path.startsWith(`worker/${room}/`) && !below?.some(lower => path.startsWith(`worker/${lower}`) || path.startsWith(`${lower}/`)),
      )
      expect(upward).toEqual([])
    },
  )

  it.each(worker.map(source => [source.path, source] as const))('%s opens with a comment for a newcomer', (_, { text }) => {
    expect(
      text
        .replace(/^#!.*\n/, '')
        .trimStart()
        .startsWith('/**'),
    ).toBe(true)
  })

  it('is used: nothing imports it only where it starts a program', () => {
    const programs = /^worker\/(index|cli\/[a-z-]+)\.ts$/
    const imported = new Set([...worker, ...others].flatMap(source => source.imports))
    const importedByWorker = new Set(worker.flatMap(source => source.imports))
    const dead = worker.map(source => source.path).filter(path => !imported.has(path) && !programs.test(path))
    const onlyTested = worker.map(source => source.path).filter(path => !importedByWorker.has(path) && !programs.test(path))
    expect({ dead, onlyTested }).toEqual({ dead: [], onlyTested: [] })
  })
})

describe('the pure rooms, core and schema,', () => {
  it.each(worker.filter(({ room }) => room === 'core' || room === 'schema').map(source => [source.path, source] as const))(
    '%s touches nothing outside its arguments',
    (_, { code }) => {
      const words = withoutStrings(code)
      expect(EFFECTS.filter(([word]) => word.test(words)).map(([, name]) => name)).toEqual([])
    },
  )
})

describe('shared code', () => {
  const names = catalogue.providers.map(provider => provider.id).filter(id => id !== 'demo')
  it.each(worker.filter(({ room }) => room !== 'cli' && room !== 'console').map(source => [source.path, source] as const))(
    '%s asks no provider for its name',
    (_, { path, code }) => {
      // A dialect is called after who made it: `openai-chat` is a format here, not a provider.
      const literals = [...code.matchAll(/'([^'\n]*)'/g)].map(found => found[1] ?? '')
      expect(
        literals.filter(literal => names.some(name => literal === name || literal.startsWith(`${name}/`))),
        path,
      ).toEqual([])
    },
  )

  it('leaves the network to one place', () => {
    const callers = worker.filter(({ code, room }) => room !== 'cli' && /(?<![.\w])fetch\(/.test(code)).map(source => source.path)
    expect(callers).toEqual(['worker/env.ts'])
  })
})
