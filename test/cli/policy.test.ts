import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PROJECT } from '../../worker/cli/wrangler.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CLI = join(PROJECT, 'worker/cli/signalbox.js')
/** A whole process, and for KV wrangler below it, on a machine that may be busy. */
const SLOW = { timeout: 60_000 }

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'policy', ...args], { cwd: PROJECT, encoding: 'utf8' })
  return { status, stdout, stderr }
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const GOOD = 'name: good\nobjective: { quality: 1 }\n'
const MISSPELT = `name: bad\nobjective: { quality: 1 }\nrules:\n  - name: r\n    when: tsk == "summary"\n    do: { refuse: no }\n`
const FAILING = `name: failing\nobjective: { quality: 1 }\ntests:\n  - name: goes small\n    request: { prompt: Hello, live: ['demo/*'] }\n    expect: { target: demo/small }\n`

describe('signalbox policy check', SLOW, () => {
  it('accepts every policy of the checkout', () => {
    const { status, stdout } = run('check')
    expect(stdout).toMatch(/policies\/default\.yaml: ok, policy "default" [0-9a-f]{16}, \d+ tests pass; worst case/)
    expect(status).toBe(0)
  })
  it('shows a problem with file, line and column, and exits 1', () => {
    const path = file('bad.yaml', MISSPELT)
    expect(run('check', path)).toMatchObject({
      status: 1,
      stdout: `${path}:5:11: error: there is no variable "tsk"; near: task (rules.0.when)\n${path}: not accepted\n`,
    })
  })
  it('runs the tests inside the file', () => {
    const path = file('failing.yaml', FAILING)
    expect(run('check', path)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`${path}:4:5: error: test "goes small": expected demo/small, got demo/large`),
    })
  })
  it('tells programs in JSON', () => {
    const [verdict] = JSON.parse(run('check', file('good.yaml', GOOD), '--json').stdout)
    expect(verdict).toMatchObject({ name: 'good', ok: true, findings: [], worst_case: { calls: 3 } })
  })
  it('takes warnings for errors where asked to', () => {
    const path = file('other-name.yaml', GOOD)
    expect(run('check', path)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('warning: the file is called "other-name" but the policy "good"'),
    })
    expect(run('check', path, '--strict').status).toBe(1)
  })
  it('says in one line that there is no such file', () => {
    expect(run('check', 'nowhere.yaml')).toMatchObject({ status: 1, stdout: '', stderr: 'signalbox: there is no file nowhere.yaml\n' })
  })
})

describe('signalbox policy explain', SLOW, () => {
  it('says which target, why, and what each would have scored', () => {
    const { status, stdout } = run('explain', 'What is the capital of France?', '--live', 'demo/*')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^demo\/small\n/)
    expect(stdout).toContain('demo/small was chosen under policy "default": it scores highest of 3 eligible targets.')
    expect(stdout).toMatch(/^> +demo\/small +0\.\d\d±0\.\d\d +\$0\.\d{6}/m)
  })
  it('says who was refused and for what', () => {
    expect(run('explain', 'Hello', '--policy', 'private-eu', '--live', 'openai/gpt-5,mistral/*').stdout).toContain(
      'Refused, outside the regions eu: openai/gpt-5 (global).',
    )
  })
  it('gives programs the whole record', () => {
    const record = JSON.parse(run('explain', 'Hello', '--live', 'demo/*', '--json').stdout)
    expect(record).toMatchObject({ chosen: 'demo/small', policy: 'default', rules: ['easy-goes-cheap'], eligible: 3 })
  })
  it('reads a whole request body', () => {
    const body = {
      model: 'auto',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          ],
        },
      ],
    }
    expect(run('explain', '--body', file('body.json', JSON.stringify(body)), '--live', 'demo/*').stdout).toMatch(/^demo\/large\n/)
  })
  it('exits 1 where nobody may answer, and says why', () => {
    const { status, stdout } = run('explain', 'Hello', '--policy', 'private-eu', '--live', 'openai/*')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^Nobody\.\n\nNo target may answer under policy "private-eu"\.\nRefused, outside the regions eu: /)
  })
  it('asks for a prompt where there is none', () =>
    expect(run('explain')).toMatchObject({ status: 1, stderr: expect.stringContaining('say what to explain') }))
})

describe('signalbox policy variables', SLOW, () => {
  it('lists what rules may read', () => {
    expect(run('variables').stdout).toMatch(/^difficulty +double +0 anyone can, 1 only the strongest may \(0 to 1\)$/m)
  })
})

describe('signalbox policy push', SLOW, () => {
  it('pushes nothing where a file is not accepted', () => {
    const { status, stderr } = run('push', file('good.yaml', GOOD), file('bad.yaml', MISSPELT), '--state', join(folder, 'untouched'))
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'signalbox: nothing was pushed\n' })
  })
  it('takes no misspelt flag for a wish to push here', () => {
    expect(run('push', file('good.yaml', GOOD), '--remot')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no --remot here; there are --files, --url, --remote'),
    })
  })
  it('makes diff go quiet, until the file changes', () => {
    const state = ['--state', join(folder, 'state')]
    const path = file('good.yaml', GOOD)
    expect(run('push', path, ...state)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/pushed policy\/good and policy\/good@[0-9a-f]{16} to local KV/),
    })
    expect(run('diff', path, ...state).stdout).toContain('the same as policy/good')
    file('good.yaml', GOOD.replace('quality: 1', 'quality: 2'))
    const { stdout } = run('diff', path, ...state)
    expect(stdout).toContain('-objective: { quality: 1 }\n+objective: { quality: 2 }')
    expect(stdout).toContain('--- local KV: policy/good')
  })
})

describe('the command', SLOW, () => {
  it('runs by npx in a checkout, whatever Node npm itself runs on', () => {
    const { status, stdout } = spawnSync('npx', ['--no-install', 'signalbox', 'policy', 'check', 'default'], {
      cwd: PROJECT,
      encoding: 'utf8',
      env: { ...process.env, PATH: outsidePath() },
    })
    expect(stdout).toMatch(/policies\/default\.yaml: ok/)
    expect(status).toBe(0)
  })

  const old = olderNode()
  it.skipIf(old === null)('re-executes itself on the bundled Node where the own one cannot read TypeScript', () => {
    expect(execFileSync(old ?? '', [CLI, 'policy', 'check', 'default'], { cwd: PROJECT, encoding: 'utf8' })).toMatch(
      /policies\/default\.yaml: ok/,
    )
  })
  it('is readable by an old Node: it is plain JavaScript', () => {
    const copy = join(folder, 'signalbox.mjs')
    cpSync(CLI, copy)
    expect(spawnSync(process.execPath, ['--no-experimental-strip-types', '--check', copy]).status).toBe(0)
    expect(readFileSync(CLI, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })
})

/** The search path as a person's shell has it, without what npm put before it. */
function outsidePath(): string {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(part => !part.includes('node_modules'))
    .join(delimiter)
}

/** A Node on this machine that is too old to read TypeScript; null where there is none. */
function olderNode(): string | null {
  const { status, stdout } = spawnSync('node', ['-p', 'process.execPath + " " + process.versions.node'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: outsidePath() },
  })
  if (status !== 0) return null
  const [path = '', version = ''] = stdout.trim().split(' ')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < 22 || (major === 22 && minor < 18) ? path : null
}
