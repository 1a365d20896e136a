/**
 * Portkey's gateway, from its npm package, as a peer: on Node as it is shipped, and on the same workerd as everything else.
 * The package holds the Node server only, but its application underneath is a Hono app that knows workerd; so the lines
 * that start the Node server are cut off, the modules only they need are left empty, and the app is exported.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { bundle } from './bundle.ts'
import { launchOnPort, type Started } from './processes.ts'
import { serve } from './serve.ts'

const PROGRAM = join(PROJECT, 'node_modules/@portkey-ai/gateway/build/start-server.js')

export const portkeyOnNode = (): Promise<Started> =>
  launchOnPort(process.execPath, port => [PROGRAM, '--headless', `--port=${port}`], { NODE_ENV: 'production' })

/** `const {…}=<web sockets>({app:<app>})` is where the application ends and the Node server begins. */
const APPLICATION_END = /const\{injectWebSocket:[\s\S]*?\(\{app:(\w+)\}\)[\s\S]*$/

/** The part of the bundler's plugin interface that is used here. */
type Build = {
  onResolve(on: { filter: RegExp }, resolve: (found: { path: string }) => { path: string; namespace: string }): void
  onLoad(on: { filter: RegExp; namespace?: string }, load: (found: { path: string }) => { contents: string }): void
}
const onlyTheApplication = {
  name: 'only-the-application',
  setup(build: Build) {
    build.onResolve({ filter: /^(ioredis|ws|@hono\/node-server|@hono\/node-ws)$/ }, ({ path }) => ({ path, namespace: 'empty' }))
    build.onLoad({ filter: /./, namespace: 'empty' }, () => ({ contents: 'module.exports = {}' }))
    build.onLoad({ filter: /start-server\.js$/ }, ({ path }) => {
      const program = readFileSync(path, 'utf8').replace(/^#!.*/, '')
      if (!APPLICATION_END.test(program)) throw new Error('this version of the package is laid out differently')
      return { contents: program.replace(APPLICATION_END, 'export default $1') }
    })
  },
}

/** Some of its modules are CommonJS and ask for Node's own modules at run time; the runtime has them. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire('/');"

export async function portkeyOnWorkerd(directory: string, inspector_port?: number): Promise<Started> {
  await bundle(PROGRAM, directory, 'portkey', { plugins: [onlyTheApplication], platform: 'node', banner: { js: REQUIRE } })
  return serve(directory, { folder: 'portkey', vars: { NODE_ENV: 'production' } }, inspector_port)
}

/** Portkey is told per request where to go. */
export const portkeyHeaders = (upstream: string) => ({ 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` })

/** The same with a second target for when the first one fails. */
export const portkeyFailover = (upstream: string, models: string[]) => ({
  'x-portkey-config': JSON.stringify({
    strategy: { mode: 'fallback', on_status_codes: [503] },
    targets: models.map(model => ({ provider: 'openai', api_key: 'bench', custom_host: `${upstream}/v1`, override_params: { model } })),
  }),
})
