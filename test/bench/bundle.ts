/**
 * Bundles for the benchmark. The router is built by `wrangler`, exactly as it is deployed; the small workers beside it by
 * the bundler that wrangler itself uses, because they have no configuration of their own.
 */
import { cpSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { PROJECT, wrangler } from '../../worker/cli/wrangler.ts'

type Bundler = { build(options: Record<string, unknown>): Promise<unknown> }
const here = createRequire(import.meta.url)
const bundler = createRequire(here.resolve('wrangler'))('esbuild') as Bundler

/** Bundles a worker of this folder (`standins/kv.ts`), or one with a whole path, as `<directory>/<folder>/index.js`. */
export async function bundle(source: string, directory: string, folder: string, options: Record<string, unknown> = {}): Promise<void> {
  await bundler.build({
    entryPoints: [isAbsolute(source) ? source : join(PROJECT, 'test/bench', source)],
    outfile: join(directory, folder, 'index.js'),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', './seed.txt', './migrations.sql'],
    logLevel: 'error',
    ...options,
  })
}

/** Builds the router as it is deployed, or another entry with the router's configuration. */
export async function bundleRouter(directory: string, folder: string, entry?: string): Promise<void> {
  const out = join(directory, folder)
  mkdirSync(out, { recursive: true })
  await wrangler(['deploy', ...(entry === undefined ? [] : [entry]), '--dry-run', '--outdir', out])
  const built = entry?.split('/').at(-1)?.replace(/\.ts$/, '.js')
  if (built !== undefined && built !== 'index.js') cpSync(join(out, built), join(out, 'index.js'))
}
