/**
 * `signalbox policy diff <files>`: what a push would change, line by line.
 */
import { defineCommand } from 'citty'
import { compilePolicy } from '../core/decide/rules.ts'
import { unifiedDiff } from '../core/line-diff.ts'
import { ending } from './ending.ts'
import { PLACE_ARGS, placeOf } from './place.ts'
import { nameOfFile, type PolicyFile, policyFiles, readable } from './policy-files.ts'
import { getPolicy } from './policy-store.ts'

export const diff = defineCommand({
  meta: { name: 'diff', description: 'Compare policy files with what is in force.' },
  args: {
    files: { type: 'positional', required: false, description: 'Policy files or names; every policy in policies/ where absent' },
    ...PLACE_ARGS,
    json: { type: 'boolean', description: 'For programs' },
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const place = placeOf(args)
      const where = 'api' in place ? place.api.url : place.kv.remote ? 'KV' : 'local KV'
      const results: { name: string; file: string; status: 'same' | 'changed' | 'new'; diff: string }[] = []
      for (const file of readable(() => policyFiles(args._))) {
        const name = nameIn(file)
        const stored = await getPolicy(name, place)
        const text = unifiedDiff(stored ?? '', file.text, {
          before: stored === null ? '(nothing)' : `${where}: policy/${name}`,
          after: file.shown,
        })
        results.push({ name, file: file.shown, status: stored === null ? 'new' : text === '' ? 'same' : 'changed', diff: text })
      }
      const lines = results.map(({ file, name, status, diff }) => {
        if (status === 'same') return `${file}: the same as policy/${name} in ${where}`
        return status === 'new' ? `${file}: policy/${name} is not in ${where} yet` : diff
      })
      process.stdout.write(`${args.json ? JSON.stringify(results, null, 2) : lines.join('\n')}\n`)
      return true
    }),
})

/** A file that does not parse can still be compared, under the name of the file. */
function nameIn(file: PolicyFile): string {
  const compiled = compilePolicy(file.text, file.version)
  return compiled.ok ? compiled.value.policy.name : nameOfFile(file.path)
}
