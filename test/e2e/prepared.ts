/**
 * What every server of the tests begins with, made once a run: the router's bundle, and a state directory as `npm run dev` makes it on a
 * new machine, with its tables, its policies and a developer's keys. Making these takes ten times as long as starting a server on a
 * copy of them. The runner calls the default export before the first file that needs it; a program that is no test calls `prepared`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareLocal } from '../../worker/cli/local.ts'
import { canary } from '../security/canary.ts'
import { bundleForServe } from './bundle.ts'

/** `state` is to be copied, `router` is for `startBundle`. */
export type Prepared = { state: string; router: string }

export const SECRETS = { KEY_PEPPER: canary('pepper'), PROVIDER_KEY_MASTER: canary('master') }
/** Where the runner's processes find what was made for all of them. */
const VARIABLE = 'SIGNALBOX_PREPARED'

export default async function setup(): Promise<() => void> {
  // Another project of the same run was here before.
  if (process.env[VARIABLE]) return () => {}
  const folder = await prepare()
  process.env[VARIABLE] = folder
  return () => remove(folder)
}

let made: Promise<string> | undefined

export async function prepared(): Promise<Prepared> {
  made ??= Promise.resolve(process.env[VARIABLE] ?? prepareHere())
  const folder = await made
  return { state: join(folder, 'state'), router: join(folder, 'router') }
}

async function prepareHere(): Promise<string> {
  const folder = await prepare()
  process.once('exit', () => remove(folder))
  return folder
}

async function prepare(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-prepared-'))
  const vars_file = join(folder, 'vars')
  writeFileSync(vars_file, variablesText(SECRETS))
  try {
    await Promise.all([prepareLocal({ state_dir: join(folder, 'state'), vars_file }), bundleForServe(folder)])
  } catch (error) {
    remove(folder)
    throw error
  }
  return folder
}

const remove = (folder: string) => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })

export const variablesText = (variables: Record<string, string>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
    .join('')
