/**
 * `signalbox keys provider`: providers' keys that callers bring. A key is read from standard input and never from an argument, where
 * the shell's history and every process of the machine could read it.
 */
import { defineCommand } from 'citty'
import type { ProviderKey } from '../schema/provider-key.ts'
import { API_ARGS, apiOf, call, pages } from './api.ts'
import { ending, Stop } from './ending.ts'
import { shownInstant } from './numbers.ts'
import { print, table } from './table.ts'

type Shown = Omit<ProviderKey, 'v' | 'wrapped' | 'sealed'>
/** The longest that the API takes is 4096 characters. */
const INPUT_CHARS = 8_192

const list = defineCommand({
  meta: { name: 'list', description: "Providers' keys that callers brought, by last four characters and fingerprint." },
  args: {
    org: { type: 'string', description: 'Of this organisation only' },
    provider: { type: 'string', description: 'For this provider only' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const keys = await pages<Shown>(apiOf(args), '/provider-keys', 'provider_keys', { org: args.org, provider: args.provider })
      const rows = keys.map(key => [
        ...[key.id, key.provider, key.org, whose(key), key.last4 ? `...${key.last4}` : '-', key.fingerprint, key.label || '-', key.master],
        shownInstant(key.created_at_ms),
      ])
      print(args.json, keys, table(['id', 'provider', 'org', 'for', 'key', 'fingerprint', 'label', 'master', 'set at'], rows))
      return true
    }),
})

const set = defineCommand({
  meta: { name: 'set', description: 'Store the key on standard input for a provider: for an organisation, a team or one key.' },
  args: {
    provider: { type: 'positional', required: true, description: 'The provider, as the catalogue names it' },
    org: { type: 'string', required: true, description: 'Organisation that pays with it' },
    team: { type: 'string', description: 'For this team only' },
    key: { type: 'string', description: "For this caller's key only, by its id" },
    label: { type: 'string', description: 'What it is' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const api = apiOf(args)
      const value = await fromInput()
      const body = {
        org: args.org,
        provider: args.provider,
        value,
        ...(args.team ? { team: args.team } : {}),
        ...(args.key ? { key_id: args.key } : {}),
        ...(args.label ? { label: args.label } : {}),
      }
      const made = await call<Shown & { replaces: string | null }>(api, 'PUT', '/provider-keys', { body })
      const words = `${made.provider} is called with ...${made.last4} (fingerprint ${made.fingerprint}) for ${whose(made)} of ${made.org}, within a minute and a half.`
      print(args.json, made, made.replaces ? `${words} It replaces ${made.replaces}.` : words)
      return true
    }),
})

const remove = defineCommand({
  meta: { name: 'remove', description: "Take a key away; the router's own is used again." },
  args: { id: { type: 'positional', required: true, description: 'Id, as "list" shows it' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      if (!/^[0-9A-Za-z]{11}$/.test(args.id)) throw new Stop('an id has 11 letters and digits; "signalbox keys provider list" shows it')
      const gone = await call<Shown>(apiOf(args), 'DELETE', `/provider-keys/${args.id}`)
      print(args.json, gone, `${gone.id} (${gone.provider}, ${gone.org}) is taken away.`)
      return true
    }),
})

type Rewrapped = { master: string; rewrapped: number; unusable: string[]; cursor: string | null }

const rewrap = defineCommand({
  meta: { name: 'rewrap', description: 'Move every key under the newest PROVIDER_KEY_MASTER, before the old one is deleted.' },
  args: API_ARGS,
  run: given =>
    ending(given, async () => {
      const api = apiOf(given.args)
      let rewrapped = 0
      const unusable: string[] = []
      let cursor: string | null = null
      do {
        const step: Rewrapped = await call<Rewrapped>(api, 'POST', '/provider-keys/rewrap', { body: cursor === null ? {} : { cursor } })
        cursor = step.cursor
        rewrapped += step.rewrapped
        unusable.push(...step.unusable)
        if (process.stderr.isTTY) process.stderr.write(`\r${rewrapped} ...\r`)
      } while (cursor !== null)
      const words = `${rewrapped} keys were moved${unusable.length ? `; no master opens ${unusable.join(', ')}: set them anew` : ''}. Isolates go by the old one for up to two minutes more.`
      print(given.args.json, { rewrapped, unusable }, words)
      return unusable.length === 0
    }),
})

const whose = ({ team, key_id }: Pick<Shown, 'team' | 'key_id'>) => (key_id ? `key ${key_id}` : team ? `team ${team}` : 'all')

/** The first line: an editor or `echo` ends it with a line feed, which is no part of the key. */
async function fromInput(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Paste the key, then enter: ')
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.includes('\n') || text.length > INPUT_CHARS) break
  }
  const line = text.split('\n', 1)[0]?.trim() ?? ''
  if (!line) throw new Stop('no key came on standard input: signalbox keys provider set <provider> --org <org> < file')
  return line
}

export const providerKeys = defineCommand({
  meta: { name: 'provider', description: "Providers' keys that callers bring." },
  subCommands: { list, set, remove, rewrap },
})
