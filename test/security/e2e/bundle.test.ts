/** What would be deployed: built twice, it is the same, and there is nothing in it that is for us alone. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MARK } from '../canary.ts'

const ROOT = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bundle-'))
let files: Map<string, Buffer>[]
beforeAll(() => {
  files = ['one', 'two'].map(name => {
    const out = join(folder, name)
    execFileSync(process.execPath, [join(ROOT, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', out], {
      cwd: ROOT,
      stdio: 'pipe',
    })
    return new Map(
      readdirSync(out)
        .filter(file => file !== 'README.md')
        .map(file => [file, readFileSync(join(out, file))]),
    )
  })
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the bundle', () => {
  it('is the same, byte for byte, when it is built again', () => {
    const [one, two] = files.map(some =>
      [...some].filter(([file]) => !file.endsWith('.map')).map(([file, bytes]) => [file, createHash('sha256').update(bytes).digest('hex')]),
    )
    expect(one?.length).toBeGreaterThan(1)
    expect(one).toEqual(two)
  })
  it('has no source map, no test endpoint and no secret in it', () => {
    const code = [...(files[0] ?? [])]
      .filter(([file]) => file.endsWith('.js'))
      .map(([, bytes]) => bytes.toString('utf8'))
      .join('\n')
    expect(code.length).toBeGreaterThan(100_000)
    // Wrangler writes a map beside the file and uploads it only where `upload_source_maps` is set.
    expect(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')).not.toContain('upload_source_maps')
    for (const word of [
      'sourceMappingURL=data:',
      '/debug',
      '/kill/state',
      'TEST_MIGRATIONS',
      'D1_FAULTS',
      MARK,
      '__test',
      'vitest',
      '/root/',
      '/home/',
    ])
      expect([word, code.includes(word)]).toEqual([word, false])
  })
})
