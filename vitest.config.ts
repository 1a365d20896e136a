import { readFileSync } from 'node:fs'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { canary } from './test/security/canary.ts'

/** Policies are imported as text, as wrangler's `[[rules]]` has it for the Worker itself. */
const yamlAsText = {
  name: 'yaml-as-text',
  enforce: 'pre' as const,
  load(id: string) {
    const path = id.split('?')[0] ?? id
    return path.endsWith('.yaml') ? `export default ${JSON.stringify(readFileSync(path, 'utf8'))}` : undefined
  },
}

/** Bytes are imported as an ArrayBuffer, as wrangler has it by default for `.bin`. */
const binAsBytes = {
  name: 'bin-as-bytes',
  enforce: 'pre' as const,
  load(id: string) {
    const path = id.split('?')[0] ?? id
    if (!path.endsWith('.bin')) return undefined
    return `export default Uint8Array.from(atob('${readFileSync(path).toString('base64')}'), mark => mark.charCodeAt(0)).buffer`
  },
}

const PURE = ['core', 'schema', 'stream', 'dialects', 'conformance', 'dispatch', 'policies', 'cli', 'simulate', 'attack', 'fuzz']

/** One project after the other, each with as many workers as suit it; the runner wants them numbered where these differ. */
const turn = (groupOrder: number) => ({ sequence: { groupOrder } })

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [yamlAsText, binAsBytes],
        test: {
          name: 'pure',
          include: [...PURE.map(room => `test/${room}/**/*.test.ts`), 'test/*.test.ts', 'test/security/*.test.ts'],
          environment: 'node',
          ...turn(1),
          // Nothing is timed; this ends what hangs, on a busy machine too.
          testTimeout: 30_000,
        },
      },
      {
        plugins: [
          yamlAsText,
          binAsBytes,
          cloudflareTest(async () => ({
            wrangler: { configPath: './wrangler.toml' },
            remoteBindings: false,
            miniflare: {
              cf: false,
              r2Buckets: ['TEST_BUCKET'],
              bindings: {
                TEST_MIGRATIONS: await readD1Migrations('worker/store/migrations'),
                DEMO_TARGETS: 'on',
                KEY_PEPPER: canary('pepper'),
                PROVIDER_KEY_MASTER: canary('master'),
              },
            },
          })),
        ],
        // Each isolated file costs a workerd start of about two seconds; the files reset what they share instead.
        test: {
          name: 'workerd',
          include: ['test/store/**/*.test.ts', 'test/routes/**/*.test.ts', 'test/security/workerd/*.test.ts'],
          isolate: false,
          // Two, so that one works while a test of the other waits.
          maxWorkers: 2,
          ...turn(2),
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'kill',
          include: ['test/kill/**/*.test.ts'],
          environment: 'node',
          fileParallelism: false,
          globalSetup: 'test/e2e/prepared.ts',
          ...turn(4),
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts', 'test/bench/**/*.test.ts', 'test/security/e2e/*.test.ts'],
          environment: 'node',
          fileParallelism: false,
          globalSetup: 'test/e2e/prepared.ts',
          ...turn(3),
          testTimeout: 30_000,
          // Longer than a server is waited for, so that a set-up that fails says why, and has stopped what it started.
          hookTimeout: 240_000,
        },
      },
    ],
  },
})
