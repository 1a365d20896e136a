/**
 * `signalbox policy versions` and `rollback`: what was in force before, and back to it.
 */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { shownInstant } from './numbers.ts'
import { print, table } from './table.ts'

type Version = { version: string; in_force: boolean; at_ms: number | null; by: string | null }

export const versions = defineCommand({
  meta: { name: 'versions', description: 'Every version of a policy, newest first.' },
  args: { name: { type: 'positional', required: true, description: 'Name of the policy' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const listed = await call<{ versions: Version[] }>(apiOf(args), 'GET', `/policies/${nameOf(args.name)}/versions`)
      const rows = listed.versions.map(({ version, in_force, at_ms, by }) => [
        version,
        in_force ? 'in force' : '',
        shownInstant(at_ms),
        by ?? '-',
      ])
      print(args.json, listed, table(['version', '', 'put at', 'by'], rows))
      return true
    }),
})

export const rollback = defineCommand({
  meta: { name: 'rollback', description: 'Put an earlier version in force again.' },
  args: {
    name: { type: 'positional', required: true, description: 'Name of the policy' },
    version: { type: 'positional', required: true, description: 'The version to go back to' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const taken = await call<{ name: string; version: string; replaces: string | null }>(
        apiOf(args),
        'POST',
        `/policies/${nameOf(args.name)}/rollback`,
        { body: { to: args.version } },
      )
      print(args.json, taken, `policy/${taken.name} is ${taken.version} again, and was ${taken.replaces ?? 'none'}.`)
      return true
    }),
})

function nameOf(name: string): string {
  if (/^[a-z0-9][a-z0-9-]*$/.test(name)) return name
  throw new Stop(`"${name}" is no name of a policy`)
}
