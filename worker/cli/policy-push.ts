/**
 * `signalbox policy push <files>`: checks first, then writes to KV; running isolates take it up within seconds. Nothing is
 * written unless every file is accepted.
 */
import { defineCommand } from 'citty'
import { ending, Stop } from './ending.ts'
import { PLACE_ARGS, placeOf, shownPlace } from './place.ts'
import { policyFiles, readable, readCatalogue } from './policy-files.ts'
import { putPolicies } from './policy-store.ts'
import { verdictLines, verdictOnFile } from './policy-verdict.ts'

export const push = defineCommand({
  meta: { name: 'push', description: 'Check policies, then put them in force: in KV, or through the admin API of --url.' },
  args: {
    files: { type: 'positional', required: true, description: 'Policy files or names' },
    ...PLACE_ARGS,
    catalogue: { type: 'string', description: 'Another catalogue than policies/catalogue.json' },
    json: { type: 'boolean', description: 'For programs' },
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const catalogue = readable(() => readCatalogue(args.catalogue))
      const verdicts = readable(() => policyFiles(args._)).map(file => verdictOnFile(file, catalogue))
      if (!args.json || !verdicts.every(verdict => verdict.ok)) process.stdout.write(`${verdicts.flatMap(verdictLines).join('\n')}\n`)
      if (!verdicts.every(verdict => verdict.ok)) throw new Stop('nothing was pushed')
      const policies = verdicts.flatMap(({ policy, file }) =>
        policy ? [{ name: policy.policy.name, version: file.version, text: file.text }] : [],
      )
      const names = policies.map(policy => policy.name)
      if (new Set(names).size < names.length) throw new Stop(`two of the files hold a policy of the same name; nothing was pushed`)
      const place = placeOf(args)
      await putPolicies(policies, place)
      const where = shownPlace(place)
      const lines = policies.map(({ name, version }) => `pushed policy/${name} and policy/${name}@${version} to ${where}`)
      process.stdout.write(
        args.json ? `${JSON.stringify(policies.map(({ name, version }) => ({ name, version })))}\n` : `${lines.join('\n')}\n`,
      )
      return true
    }),
})
