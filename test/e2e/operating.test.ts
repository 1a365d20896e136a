/**
 * An operator's day with the command, against the real dev server: keys, budgets, usage, targets, policies, the audit log.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localAdminKey } from '../../worker/cli/local.ts'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { SECRETS } from './prepared.ts'
import { startServer, type TestServer } from './server.ts'
import { startDevServer } from './start.ts'

let server: TestServer
let admin_key: string
beforeAll(async () => {
  server = await startServer({ startWith: startDevServer })
  admin_key = localAdminKey({ state_dir: server.state_dir, vars_file: join(server.state_dir, 'vars') }) ?? ''
})
afterAll(() => server?.stop())

type Ran = { status: number | null; stdout: string; stderr: string }
function run(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(PROJECT, 'worker/cli/signalbox.js'), ...args], {
    cwd: PROJECT,
    env: { ...process.env, ...env },
  })
  const ran: Ran = { status: null, stdout: '', stderr: '' }
  child.stdout.on('data', chunk => {
    ran.stdout += chunk
  })
  child.stderr.on('data', chunk => {
    ran.stderr += chunk
  })
  return new Promise(resolve => child.on('close', status => resolve({ ...ran, status })))
}
/** As after `npm run dev`: the router and its admin key are found by themselves. */
const here = (...args: string[]) => run([...args, '--state', server.state_dir, '--vars', join(server.state_dir, 'vars')])
/** As from elsewhere: by URL and key. */
const there = (...args: string[]) => run(args, { SIGNALBOX_URL: server.url, SIGNALBOX_ADMIN_KEY: admin_key })
async function json<T>(running: Promise<Ran>): Promise<T> {
  const { status, stdout, stderr } = await running
  if (status !== 0) throw new Error(`${status}: ${stderr}${stdout}`)
  return JSON.parse(stdout) as T
}

const chat = (key: string) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo/small', messages: [{ role: 'user', content: 'What is the capital of France?' }] }),
  })
type Made = { key: string; key_id: string }
const make = (...more: string[]) => json<Made>(there('keys', 'create', '--org', 'acme', '--label', 'search', ...more, '--json'))

describe('signalbox keys', () => {
  it('makes a key that works, lists it without it, rotates and revokes it', async () => {
    const { key, key_id } = await make('--team', 'web')
    expect((await chat(key)).status).toBe(200)
    const { stdout } = await here('keys', 'list', '--org', 'acme')
    expect(stdout).toMatch(new RegExp(`^key id .*\\n${key_id} +\\.\\.\\.${key.slice(-4)} +acme +web +search +default +active +-$`, 'm'))
    expect(stdout).not.toContain(key)
    const fresh = await json<Made>(there('keys', 'rotate', key_id, '--json'))
    expect([(await chat(fresh.key)).status, (await chat(key)).status]).toEqual([200, 401])
    expect((await here('keys', 'revoke', fresh.key_id)).stdout).toContain('is revoked since')
    expect((await chat(fresh.key)).status).toBe(401)
  })
  it('says in one line what the router says, and exits 1', async () => {
    expect(await there('keys', 'revoke', 'zzzzzzzzzzz')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'signalbox: There is no key "zzzzzzzzzzz" here.\n',
    })
    expect((await there('keys', 'create', '--org', 'ACME', '--label', 'x')).stderr).toContain(
      'org: an organisation id has lower-case letters',
    )
  })
  it('takes no whole key for an id', async () => {
    expect((await there('keys', 'revoke', server.key)).stderr).toContain('a key id has 11 letters and digits')
  })
})

describe('signalbox budgets', () => {
  it('sets and shows them', async () => {
    const { key_id } = await make()
    expect((await there('budgets', 'set', key_id, '--day', '5', '--month', '99.5')).stdout).toMatch(
      /USD a day +hard +\$5\.00 .*\n.*USD a month +hard +\$99\.50 /,
    )
    expect((await here('budgets', 'list', '--org', 'acme')).stdout).toContain(key_id)
    expect((await there('budgets', 'set', key_id)).stderr).toContain('--none to take them away')
    expect((await there('budgets', 'set', key_id, '--none')).stdout).toContain('has no budget any more')
  })
})

describe('signalbox limits', () => {
  it('sets and shows those of an organisation and its teams, and its webhook', async () => {
    expect((await there('limits', 'set', 'bounded', '--month', '500', '--requests', '600', '--share', '0.2')).stdout).toMatch(
      /USD a month +hard +\$500\.00 .*\n.*requests per minute +hard +600 .*\n.*share above \$10\.00 per M +bars +20 %/,
    )
    expect((await there('limits', 'set', 'bounded', '--team', 'search', '--day', '3', '--soft')).stdout).toMatch(
      /search +USD a day +soft +\$3\.00/,
    )
    expect((await there('limits', 'set', 'bounded', '--add', '--day', '20')).stdout).toMatch(
      /USD a month(.*\n)+.*USD a day +hard +\$20\.00/,
    )
    expect((await there('limits', 'webhook', 'bounded', '--to', 'https://hooks.example.com/x')).stdout).toMatch(/\nwhsec_[\w+/]+=*\n$/)
    expect((await there('limits', 'webhook', 'bounded', '--to', 'https://10.0.0.1/x')).stderr).toContain('it must name a public host')
    const shown = await json<{ teams: object; webhook: object }>(here('limits', 'show', 'bounded', '--json'))
    expect(shown).toMatchObject({ teams: { search: { budgets: [{ kind: 'soft' }] } }, webhook: { url: 'https://hooks.example.com/x' } })
    expect((await there('limits', 'set', 'bounded', '--team', 'search', '--none')).stdout).not.toContain('search')
    expect((await there('limits', 'set', 'bounded', '--requests', '1.5')).stderr).toContain('whole number')
    expect((await there('limits', 'unusual', 'bounded', '--times', '10', '--at-least', '5')).stdout).toBe(
      'Above 10 times the usual hour, and $5.00, bounded and its keys are stopped to the end of the hour. No hour is known yet.\n',
    )
    expect((await there('limits', 'unusual', 'bounded', '--soft')).stderr).toContain('name --times')
    expect((await there('limits', 'lift', 'bounded')).stderr).toContain('watched account')
    expect((await there('limits', 'unusual', 'bounded', '--none')).stdout).toContain('Nothing is done')
  })
})

describe('signalbox usage', () => {
  it('sums what was sent on, and exports the rows', async () => {
    const { key } = await make('--team', 'counted')
    await (await chat(key)).text()
    type Sum = { team: string; requests: number }
    await expect
      .poll(async () => json<Sum[]>(there('usage', '--by', 'team,target', '--team', 'counted', '--json')), {
        timeout: 20_000,
        interval: 300,
      })
      .toMatchObject([{ team: 'counted', target: 'demo/small', requests: 1, completed: 1 }])
    expect((await here('usage', '--by', 'team')).stdout).toMatch(/^team +requests +failed .*in +out +cost/)
    const { stdout } = await there('usage', '--rows', '--format', 'csv', '--team', 'counted')
    expect(stdout.split('\r\n')).toHaveLength(3)
    expect(stdout).toMatch(/^decision_id,at_ms,.*\r\ndec_[^,]+,\d+,/)
  })
  it('says what all lines come to, where that is a sum', async () => {
    await (await chat((await make('--team', 'another')).key)).text()
    const lines = async (...by: string[]) => (await there('usage', ...by)).stdout.trim().split('\n').slice(1)
    await expect.poll(async () => (await lines('--by', 'team')).length, { timeout: 20_000, interval: 300 }).toBeGreaterThan(2)
    const [total = '', ...others] = (await lines('--by', 'team')).map(line => line.trim().split(/ {2,}/)).reverse()
    expect([total[0], Number(total[1])]).toEqual(['all', others.reduce((sum, line) => sum + Number(line[1]), 0)])
    expect((await lines('--team', 'another')).join()).not.toContain('all')
  })
  it('exports everything into a file, rows and days, and says whether the books agree', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-export-'))
    const file = join(folder, 'rows.jsonl')
    expect((await there('usage', 'export', file)).stdout).toContain('bytes in 1 pages')
    const rows = readFileSync(file, 'utf8').trim().split('\n')
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.parse(rows[0] ?? '')).toMatchObject({ decision_id: expect.stringMatching(/^dec_/) })
    expect((await there('usage', 'export', file)).stderr).toContain('is there already')
    expect((await there('usage', 'export', join(folder, 'no-folder', 'x'))).stderr).toMatch(
      /^signalbox: .* cannot be written \(ENOENT\)\n$/,
    )
    await there('usage', 'export', join(folder, 'asked-wrongly'), '--from', 'yesterday')
    expect(existsSync(join(folder, 'asked-wrongly'))).toBe(false)
    expect((await there('usage', 'export', file, '--resume')).stderr).toContain('nothing broke off here')
    const days = join(folder, 'days.csv')
    await there('usage', 'export', days, '--what', 'days', '--format', 'csv', '--org', 'acme')
    expect(readFileSync(days, 'utf8')).toMatch(/^day,org,team,.*\r\n\d{4}-\d\d-\d\d,acme,/)
    const decisions = join(folder, 'decisions.jsonl')
    expect((await there('usage', 'export', decisions, '--what', 'decisions', '--org', 'acme')).status).toBe(0)
    const pages = readFileSync(decisions, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { org: string; records: Record<string, unknown> })
    const ids = rows.map(line => JSON.parse(line) as { decision_id: string; org: string }).filter(({ org }) => org === 'acme')
    const kept = new Set(pages.flatMap(({ records }) => Object.keys(records)))
    expect([new Set(pages.map(({ org }) => org)), ids.filter(({ decision_id }) => !kept.has(decision_id))]).toEqual([new Set(['acme']), []])
    expect((await there('usage', 'export', join(folder, 'x'), '--what', 'decisions', '--format', 'csv')).stderr).toContain('--format jsonl')
    await expect.poll(async () => (await there('usage', 'books', 'acme')).stdout, { timeout: 10_000 }).toMatch(/ yes\n/)
    expect((await there('usage', 'books')).stdout).toContain('Nothing was checked yet.')
  })
  it('goes on with an export that broke off, from the last whole page', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-export-'))
    const [whole, half] = [join(folder, 'whole.csv'), join(folder, 'half.csv')]
    const asked = ['--what', 'days', '--format', 'csv']
    await there('usage', 'export', whole, ...asked)
    const text = readFileSync(whole, 'utf8')
    const lines = text.split('\r\n')
    const kept = `${lines.slice(0, 2).join('\r\n')}\r\n`
    writeFileSync(half, `${kept}2026-01-01,half a li`)
    const [day = '', org = '', team = '', key_id = '', target = ''] = (lines[1] ?? '').split(',')
    const place = [Date.parse(day) / 86_400_000, org, team, key_id, target]
    const cursor = Buffer.from(JSON.stringify(place)).toString('base64url')
    writeFileSync(
      `${half}.place`,
      JSON.stringify({ what: 'days', format: 'csv', from: '1970-01-01', to: '2100-01-01', org: '', cursor, bytes: kept.length }),
    )
    await there('usage', 'export', half, ...asked, '--resume')
    expect(readFileSync(half, 'utf8')).toBe(text)
  })
  it('names the drift from a provider’s own export, and exits 1 where there is one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-export-'))
    const file = join(folder, 'usage.csv')
    const day = new Date().toISOString().slice(0, 10)
    writeFileSync(file, `start_time_iso,model,input_tokens,output_tokens,num_model_requests\n${day}T00:00:00Z,small,1,1,1\n`)
    const { status, stdout } = await there('usage', 'reconcile', file, '--provider', 'demo')
    expect([status, stdout]).toEqual([
      1,
      expect.stringMatching(/OpenAI usage \(CSV\).*drift.*\n\nday +model +in theirs +ours +drift(.*\n)+.* small +1 +\d+ +\+\d+/),
    ])
    writeFileSync(file, 'a,b\n1,2\n')
    expect((await there('usage', 'reconcile', file)).stderr).toContain('the columns of this file are not known here: a, b')
  })
})

describe('signalbox targets', () => {
  it('lists, isolates and restores them, and requests obey', async () => {
    expect((await here('targets', 'list')).stdout).toMatch(/^demo\/small +closed /m)
    expect((await there('targets', 'isolate', 'demo/small')).stdout).toBe('demo/small gets no requests; its state is isolated.\n')
    const routed = async () => {
      const response = await fetch(`${server.url}/v1/route`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] }),
      })
      return ((await response.json()) as { refused: { reason: string; targets: { target: string }[] }[] }).refused
        .filter(each => each.reason === 'isolated')
        .flatMap(each => each.targets.map(each => each.target))
    }
    await expect.poll(routed, { timeout: 20_000, interval: 300 }).toEqual(['demo/small'])
    expect((await there('targets', 'restore', 'demo/small')).stdout).toContain('demo/small is restored')
    expect((await there('targets', 'isolate', 'nobody/nothing')).status).toBe(1)
  })
})

describe('signalbox policy', () => {
  const GOOD = 'name: mine\nobjective: { quality: 1 }\n'
  const file = (text: string) => {
    const path = join(server.state_dir, 'mine.yaml')
    writeFileSync(path, text)
    return path
  }
  it('pushes through the API of a router that is named, shows its versions, and rolls back', async () => {
    expect((await there('policy', 'push', file(GOOD))).stdout).toContain(`to ${server.url}`)
    await there('policy', 'push', file(GOOD.replace('1', '2')))
    expect((await there('policy', 'list')).stdout.split('\n')).toEqual(expect.arrayContaining(['default', 'mine']))
    const { versions } = await json<{ versions: { version: string; in_force: boolean; by: string }[] }>(
      there('policy', 'versions', 'mine', '--json'),
    )
    expect(versions.map(each => [each.in_force, each.by.startsWith('key:')])).toEqual(
      expect.arrayContaining([
        [true, true],
        [false, true],
      ]),
    )
    const earlier = versions.find(each => !each.in_force)?.version ?? ''
    expect((await there('policy', 'rollback', 'mine', earlier)).stdout).toContain(`policy/mine is ${earlier} again`)
    expect((await there('policy', 'diff', file(GOOD))).stdout).toContain('the same as policy/mine')
  })
})

describe('signalbox admin and audit', () => {
  it('makes the first key straight in KV, and others through the API, each with its role', async () => {
    const direct = await run(['admin', 'create-key', '--label', 'first', '--role', 'viewer', '--state', server.state_dir, '--json'], {
      KEY_PEPPER: SECRETS.KEY_PEPPER,
    })
    const viewer = (JSON.parse(direct.stdout) as Made).key
    const as = (key: string, ...args: string[]) => run(args, { SIGNALBOX_URL: server.url, SIGNALBOX_ADMIN_KEY: key })
    expect(await as(viewer, 'targets', 'list')).toMatchObject({ status: 0, stderr: '' })
    expect((await as(viewer, 'targets', 'isolate', 'demo/small')).stderr).toContain('needs the role operator; this key has the role viewer')
    const operator = await json<Made>(there('admin', 'create-key', '--label', 'night', '--role', 'operator', '--json'))
    expect((await there('admin', 'list-keys')).stdout).toContain(operator.key_id)
    await there('admin', 'revoke-key', operator.key_id)
    expect((await as(operator.key, 'targets', 'list')).status).toBe(1)
  })
  it('says who changed what, and that the log is whole', async () => {
    expect((await there('audit', 'list')).stdout).toMatch(/ admin_keys\.revoke /)
    expect((await there('audit', 'verify')).stdout).toMatch(/^Intact: \d+ entries/)
  })
})
