/**
 * `signalbox policy variables`: what the conditions of rules may read, with types and ranges.
 */
import { defineCommand } from 'citty'
import { VARIABLES } from '../core/decide/variables.ts'
import { ending } from './ending.ts'
import { table } from './table.ts'

export const variables = defineCommand({
  meta: { name: 'variables', description: 'What the conditions of rules may read, with types and ranges.' },
  args: { json: { type: 'boolean', description: 'For programs' } },
  run: given =>
    ending(given, () => {
      const rows = Object.entries(VARIABLES).map(([name, { type, says, values, from, to }]) => {
        const range = from === undefined ? '' : ` (${from} to ${to ?? 'any'})`
        return [name, type, values ? `${says}: ${values.join(', ')}` : `${says}${range}`]
      })
      process.stdout.write(given.args.json ? `${JSON.stringify(VARIABLES, null, 2)}\n` : `${table(['name', 'type', 'what it is'], rows)}\n`)
      return true
    }),
})
