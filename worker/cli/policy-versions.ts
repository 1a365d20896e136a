/**
 * `signalbox policy list`, `versions` and `rollback`: what is in force, what was before, and back to it.
 */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { shownInstant } from './numbers.ts'
import { print, table } from './table.ts'

type Version = { version: string; in_force: boolean; at_ms: number | null; by: string | null }

type Alarm = { about: string; message: string; line: number | null; since_ms: number }

export const list = defineCommand({
  meta: { name: 'list', description: 'Policies there are, and what is wrong with any that could not be taken up.' },
  args: API_ARGS,
  run: given =>
    ending(given, async () => {
      const { args } = given
      const listed = await call<{ policies: { name: string }[]; alarms: Alarm[] }>(apiOf(args), 'GET', '/policies')
      const wrong = listed.alarms.map(({ about, message, line, since_ms }) => [
        about,
        `${line === null ? '' : `line ${line}: `}${message}`,
        shownInstant(since_ms),
      ])
      const names = listed.policies.map(({ name }) => name).join('\n')
      print(args.json, listed, wrong.length === 0 ? names : `${names}\n\n${table(['not taken up', 'because', 'since'], wrong)}`)
      return true
    }),
})

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
