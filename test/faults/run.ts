/**
 * `npm run faults`: the fault table with the deadlines that operators get, some two minutes, and its results as a document.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'e2e', 'test/faults'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FAULTS: 'full', WRANGLER_SEND_METRICS: 'false' },
})
process.exit(status ?? 1)
