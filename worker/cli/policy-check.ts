/**
 * `signalbox policy check [files]`: validates, judges and tests policies. Exits 1 where one is not accepted, so that CI can
 * stand on it.
 */
import { defineCommand } from 'citty'
import { ending } from './ending.ts'
import { policyFiles, readable, readCatalogue } from './policy-files.ts'
import { verdictJson, verdictLines, verdictOnFile } from './policy-verdict.ts'

export const check = defineCommand({
  meta: { name: 'check', description: 'Validate policies, find rules that can never match, run the tests inside the files.' },
  args: {
    files: { type: 'positional', required: false, description: 'Policy files or names; every policy in policies/ where absent' },
    catalogue: { type: 'string', description: 'Another catalogue than policies/catalogue.json' },
    strict: { type: 'boolean', description: 'Warnings count as errors' },
    json: { type: 'boolean', description: 'For programs' },
  },
  run: given =>
    ending(given, () => {
      const { args } = given
      const catalogue = readable(() => readCatalogue(args.catalogue))
      const verdicts = readable(() => policyFiles(args._)).map(file => verdictOnFile(file, catalogue))
      const text = args.json ? JSON.stringify(verdicts.map(verdictJson), null, 2) : verdicts.flatMap(verdictLines).join('\n')
      process.stdout.write(`${text}\n`)
      return verdicts.every(verdict => verdict.ok && !(args.strict && verdict.findings.length > 0))
    }),
})
