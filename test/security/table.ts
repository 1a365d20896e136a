/** The table of items as text, and how a test that an item points at is recognised. */
import type { Item } from './items.ts'

export type Outcome = 'passed' | 'failed' | 'missing'

/** A name of the source, in which `%s` and its like stand for anything, against a name that was run: its pieces one behind the other. */
export function isNamed(pointer: string, run: string): boolean {
  let from = 0
  return pointer.split(/%[sdifjop]/).every(piece => {
    const at = run.indexOf(piece, from)
    from = at + piece.length
    return at >= 0
  })
}

export const roomOf = (file: string): string =>
  file.startsWith('security/e2e/') ? 'real server' : /^(routes|store|security\/workerd)\//.test(file) ? 'workerd' : 'Node'

/** One row; `result` is what came of its tests, and absent where it was not run. */
export function rowOf({ id, asks, tests, note }: Item, result = ''): string {
  const shown = tests.map(([file, name]) => `\`${file}\` ${name.replaceAll('|', '\\|')} (${roomOf(file)})`).join('<br>')
  return `| ${id} | ${asks} | ${shown || '–'} | ${result} | ${note ?? ''} |`
}
