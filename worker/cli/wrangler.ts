/**
 * Running wrangler, quietly: no telemetry, no update check, no banner, nothing fetched. Every command of the CLI that
 * touches local KV, D1 or the dev server goes through here.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The checkout this file lies in; wrangler.toml is at its top. */
export const PROJECT = join(import.meta.dirname, '../..')
const WRANGLER = join(PROJECT, 'node_modules/wrangler/bin/wrangler.js')

const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  NO_COLOR: '1',
  FORCE_COLOR: '0',
}

/** Starts wrangler with this Node; `detached` puts it and what it starts into a process group of their own. */
export function spawnWrangler(args: string[], detached = false, env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [WRANGLER, ...args], {
    cwd: PROJECT,
    env: { ...process.env, ...QUIET, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  })
}

/**
 * A router that runs on the same local state writes into it as well, and the databases there wait for nobody. A command that met such a
 * write did nothing, and is made again so often.
 */
const TRIES = 5
const LOCKED = 'SQLITE_BUSY'
/** A write of the router takes milliseconds; starting wrangler anew takes more than one of these. */
const AGAIN_AFTER_MS = 200

/** Runs wrangler to its end. Gives its standard output; rejects with its words where it fails. */
export async function wrangler(args: string[]): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await once(args)
    } catch (error) {
      if (tries === TRIES || !(error as Error).message.includes(LOCKED)) throw error
      await sleep(AGAIN_AFTER_MS)
    }
  }
}

function once(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawnWrangler(args)
    let out = ''
    let errors = ''
    child.stdout?.on('data', chunk => {
      out += chunk
    })
    child.stderr?.on('data', chunk => {
      errors += chunk
    })
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve(out)
      else reject(new Error(`wrangler ${args.slice(0, 3).join(' ')} failed:\n${(errors || out).trim()}`))
    })
  })
}
