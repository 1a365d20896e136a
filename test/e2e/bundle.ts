/** Builds the router once, as it is deployed, with what Miniflare has to know of it beside: `serve.ts` starts from there. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unstable_getMiniflareWorkerOptions as optionsOf } from 'wrangler'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { bundleRouter } from '../bench/bundle.ts'

type ModuleType = 'ESModule' | 'Data' | 'Text'
/** `options`: the bindings of `wrangler.toml`, as Miniflare wants them. */
export type Bundle = { options: { name: string; bindings?: Record<string, string> }; modules: { type: ModuleType; file: string }[] }

const TYPES: [ending: string, type: ModuleType][] = [
  ['.bin', 'Data'],
  ['.yaml', 'Text'],
]

/** Into `<directory>/router`, perhaps with another entry than the router's own; gives that folder. */
export async function bundleForServe(directory: string, entry?: string): Promise<string> {
  await bundleRouter(directory, 'router', entry)
  const folder = join(directory, 'router')
  const others = readdirSync(folder).flatMap(file => {
    const type = TYPES.find(([ending]) => file.endsWith(ending))?.[1]
    return type ? [{ type, file }] : []
  })
  const { workerOptions } = optionsOf(join(PROJECT, 'wrangler.toml'))
  // The name is a part of where its objects lie.
  const options = { ...workerOptions, name: 'signalbox' }
  writeFileSync(join(folder, 'bundle.json'), JSON.stringify({ options, modules: [{ type: 'ESModule', file: 'index.js' }, ...others] }))
  return folder
}
