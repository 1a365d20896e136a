/**
 * The files that the policy commands read: policies, the catalogue they are judged beside, and the variables that say what is
 * switched on here.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { parseEnv } from 'node:util'
import { readArtefact, type Understanding } from '../core/understand/artefact.ts'
import { type Catalogue, catalogue as catalogueSchema } from '../schema/catalogue.ts'
import type { PolicyVersion } from '../schema/ids.ts'
import { Stop } from './ending.ts'
import { PROJECT } from './wrangler.ts'

export const POLICIES = join(PROJECT, 'policies')
const CATALOGUE = join(POLICIES, 'catalogue.json')

export type PolicyFile = { path: string; shown: string; text: string; version: PolicyVersion }

/** The files named, or every policy of the checkout. A name without a path (`cheap`) is the checkout's policy of that name. */
export function policyFiles(named: readonly string[]): PolicyFile[] {
  const paths =
    named.length > 0
      ? named.map(pathOf)
      : readdirSync(POLICIES)
          .filter(isPolicy)
          .sort()
          .map(file => join(POLICIES, file))
  return paths.map(path => {
    const text = readFileSync(path, 'utf8')
    const shown = relative(process.cwd(), path)
    return { path, shown: shown.startsWith('..') ? path : shown, text, version: versionOf(text) }
  })
}

const isPolicy = (file: string) => /\.ya?ml$/.test(file)

function pathOf(named: string): string {
  const bundled = join(POLICIES, `${named}.yaml`)
  return !existsSync(named) && /^[a-z0-9-]+$/.test(named) && existsSync(bundled) ? bundled : named
}

/** The name a policy's file suggests: a push under another name is more often a slip than meant. */
export const nameOfFile = (path: string): string => basename(path).replace(/\.(ya?ml|json)$/, '')

export function versionOf(text: string): PolicyVersion {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

export function readCatalogue(path: string = CATALOGUE): Catalogue {
  return catalogueSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
}

/** What `npm run dev` would switch on: the variables of `.dev.vars`; nothing where there is no such file. */
export function localVariables(): Record<string, string | undefined> {
  const file = join(PROJECT, '.dev.vars')
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
}

/** A file that cannot be read is the operator's slip: one line, no stack. */
export function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException
    throw new Stop(code === 'ENOENT' ? `there is no file ${path}` : message)
  }
}

let learned: Understanding | undefined

/** What the Worker learned to understand by, read from the checkout: a policy is tried as it will be served. */
export function bundledUnderstanding(): Understanding {
  if (learned === undefined) {
    const bytesOf = (file: string) => {
      const { buffer, byteOffset, byteLength } = readFileSync(join(POLICIES, file))
      return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
    }
    learned = readArtefact(bytesOf('understanding.bin'), bytesOf('names.bin'))
  }
  return learned
}
