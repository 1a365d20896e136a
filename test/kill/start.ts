/** `serve.ts` as a process group of its own, in the shape that `startLocal` gives, so that the one can stand for the other. */
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Local, type LocalOptions } from '../../worker/cli/local.ts'

/** A busy machine was seen to need 20 s. */
const READY_WITHIN_MS = 90_000

export async function startBundle(folder: string, { port, state_dir, vars_file, onLine }: LocalOptions): Promise<Local> {
  const on = port || (await freePort())
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), folder, state_dir, vars_file, String(on)], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'signalbox-compiled'), NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      // ESRCH: the group has ended already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    return ended
  }
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(`the bundle did not start:\n${said}`))
    const late = setTimeout(fail, READY_WITHIN_MS)
    const hear = (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4_000)
      for (const line of String(chunk).split('\n')) onLine?.(line)
      if (!said.includes('Ready on http')) return
      clearTimeout(late)
      child.removeListener('exit', fail)
      resolve()
    }
    child.once('exit', fail)
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
  }).catch(async error => {
    await kill()
    throw error
  })
  return { url: `http://127.0.0.1:${on}`, pid: child.pid ?? 0, stop: kill, kill, ended }
}
