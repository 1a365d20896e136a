import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { apiOf } from '../../worker/cli/api.ts'
import { microsOf, numberOf, usd } from '../../worker/cli/numbers.ts'
import { PROJECT } from '../../worker/cli/wrangler.ts'

const state = mkdtempSync(join(tmpdir(), 'signalbox-api-'))
afterAll(() => rmSync(state, { recursive: true }))
const KEY = 'sk-sbadm_of-the-production-router'

describe('the admin key', () => {
  beforeEach(() => {
    vi.stubEnv('SIGNALBOX_URL', '')
    vi.stubEnv('SIGNALBOX_ADMIN_KEY', undefined)
  })
  afterEach(() => vi.unstubAllEnvs())

  it('of the local router goes to no other', () => {
    writeFileSync(join(state, 'url'), 'http://127.0.0.1:8787\n')
    expect(() => apiOf({ state, url: 'https://router.example' })).toThrow('set SIGNALBOX_ADMIN_KEY')
  })
  it('is not sent in the clear, but to this machine', () => {
    vi.stubEnv('SIGNALBOX_ADMIN_KEY', KEY)
    expect(() => apiOf({ state, url: 'http://router.example' })).toThrow('not https')
    expect(() => apiOf({ state, url: 'http://127.0.0.1.router.example' })).toThrow('not https')
    expect(apiOf({ state, url: 'http://127.0.0.1:9000' })).toEqual({ url: 'http://127.0.0.1:9000', key: KEY })
    expect(apiOf({ state, url: 'https://router.example/any/path' })).toEqual({ url: 'https://router.example', key: KEY })
  })
  it('and the URL may come from the environment; a flag goes before it', () => {
    vi.stubEnv('SIGNALBOX_ADMIN_KEY', KEY)
    vi.stubEnv('SIGNALBOX_URL', 'https://one.example')
    expect(apiOf({ state }).url).toBe('https://one.example')
    expect(apiOf({ state, url: 'https://two.example' }).url).toBe('https://two.example')
  })
  it('is missed in a sentence where no router was ever started', () => {
    expect(() => apiOf({ state: join(state, 'nothing') })).toThrow('run "npm run dev"')
  })
})

describe('money', () => {
  it('has cents, and what is below a cent where that is all', () => {
    expect([0, 5_000_000, 1_234_567, 42, null].map(usd)).toEqual(['$0.00', '$5.00', '$1.23', '$0.000042', '-'])
  })
})

describe('a limit in USD', () => {
  it.each(['-3', '0', 'abc', '', 'Infinity', '1e999'])('is no "%s"', text => {
    expect(() => numberOf('day', text)).toThrow('--day takes a number above 0')
  })
  it('is at least a micro-dollar, as none at all would refuse everything, and at most what can be counted', () => {
    expect([microsOf('day', 0.000001), microsOf('day', 1.5)]).toEqual([1, 1_500_000])
    expect(() => microsOf('day', 0.0000004)).toThrow('--day takes at least 0.000001 USD')
    expect(() => microsOf('day', 1e10)).toThrow('--day is more USD than can be counted')
  })
})

describe('signalbox completion', { timeout: 60_000 }, () => {
  const script = (shell: string) =>
    execFileSync(process.execPath, [join(PROJECT, 'worker/cli/signalbox.js'), 'completion', shell], { encoding: 'utf8' })
  const completed = (...words: string[]) => {
    const ask = `${script('bash')}\nCOMP_WORDS=(signalbox ${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _signalbox; echo "\${COMPREPLY[@]}"`
    return spawnSync('bash', ['-c', ask], { encoding: 'utf8' }).stdout.trim().split(' ')
  }
  it('knows the commands, those below them, and their flags', () => {
    expect(completed('')).toEqual(expect.arrayContaining(['keys', 'usage', 'policy', 'targets', 'budgets']))
    expect(completed('keys', 'r')).toEqual(['rotate', 'revoke'])
    expect(completed('policy', 'rollback', 'default', '--u')).toEqual(['--url'])
    expect(completed('usage', '--by', 'day', '--f')).toEqual(['--from', '--format'])
  })
  it('is the same for zsh, through its own bashcompinit', () => {
    expect(script('zsh')).toContain('bashcompinit')
  })
})
