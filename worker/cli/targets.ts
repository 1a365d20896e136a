/**
 * `signalbox targets`: how targets are, and an operator's hand on their gates.
 */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending } from './ending.ts'
import { shownInstant } from './numbers.ts'
import { print, table } from './table.ts'

type Target = {
  target: string
  regions: string[]
  health: { state: string; error_rate: number | null; first_token_ms: number | null; samples: number; last_ok_at_ms: number | null }
}
type Listed = { targets: Target[]; off: { provider: string; targets: number; how_to_enable: string }[] }

const list = defineCommand({
  meta: { name: 'list', description: 'Targets that are switched on, with their health.' },
  args: { off: { type: 'boolean', description: 'Also what is off, and what would switch it on' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const listed = await call<Listed>(apiOf(args), 'GET', '/targets')
      const rows = listed.targets.map(({ target, regions, health: { state, error_rate, first_token_ms, samples, last_ok_at_ms } }) => [
        target,
        state,
        error_rate === null ? '-' : `${(100 * error_rate).toFixed(1)} %`,
        first_token_ms === null ? '-' : `${first_token_ms} ms`,
        String(samples),
        shownInstant(last_ok_at_ms),
        regions.join(','),
      ])
      const on = table(['target', 'state', 'errors', 'first token', 'samples', 'last answer', 'regions'], rows)
      const off = listed.off.map(({ provider, targets, how_to_enable }) => [provider, String(targets), how_to_enable])
      print(args.json, listed, args.off ? `${on}\n\n${table(['off', 'targets', 'how to switch it on'], off)}` : on)
      return true
    }),
})

const command = (name: string, path: string, description: string, done: string) =>
  defineCommand({
    meta: { name, description },
    args: { target: { type: 'positional', required: true, description: 'The target, as provider/model' }, ...API_ARGS },
    run: given =>
      ending(given, async () => {
        const { args } = given
        const moved = await call<{ target: string; state: string }>(apiOf(args), 'POST', `/targets/${path}`, {
          body: { target: args.target },
        })
        print(args.json, moved, `${moved.target} ${done}; its state is ${moved.state}.`)
        return true
      }),
  })

export const targets = defineCommand({
  meta: { name: 'targets', description: 'Targets and their health.' },
  subCommands: {
    list,
    isolate: command('isolate', 'isolate', 'Send nothing there until it is restored.', 'gets no requests'),
    restore: command('restore', 'restore', 'End an isolation; traffic comes back slowly.', 'is restored'),
    'credential-changed': command(
      'credential-changed',
      'credential-changed',
      'A refused credential was replaced: try it at once.',
      'is tried again',
    ),
  },
})
