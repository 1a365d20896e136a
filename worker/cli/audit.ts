/**
 * `signalbox audit`: who changed what, and whether the log is whole.
 */
import { defineCommand } from 'citty'
import type { AuditEntry } from '../schema/admin.ts'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending } from './ending.ts'
import { shownInstant } from './numbers.ts'
import { print, table } from './table.ts'

type Verdict = { intact: boolean; entries: number; last_hash: string; broken_at_seq: number | null; why: string | null }

const list = defineCommand({
  meta: { name: 'list', description: 'The newest changes.' },
  args: {
    subject: { type: 'string', description: 'Only what was done to this key id, policy or target' },
    limit: { type: 'string', description: 'How many, up to 100', default: '50' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const { entries } = await call<{ entries: AuditEntry[] }>(apiOf(args), 'GET', '/audit', {
        query: { subject: args.subject, limit: args.limit },
      })
      const rows = entries.map(({ seq, at_ms, actor, role, action, subject, org }) => [
        ...[String(seq), shownInstant(at_ms), actor, role],
        ...[action, subject, org ?? '-'],
      ])
      print(args.json, entries, table(['seq', 'at', 'who', 'role', 'what', 'to what', 'org'], rows))
      return true
    }),
})

const verify = defineCommand({
  meta: { name: 'verify', description: 'Walk the chain of hashes. Exits 1 where it is broken.' },
  args: API_ARGS,
  run: given =>
    ending(given, async () => {
      const verdict = await call<Verdict>(apiOf(given.args), 'GET', '/audit/verify')
      const text = verdict.intact
        ? `Intact: ${verdict.entries} entries, the last with hash ${verdict.last_hash}.`
        : `Broken at entry ${verdict.broken_at_seq}: ${verdict.why}.`
      print(given.args.json, verdict, text)
      return verdict.intact
    }),
})

export const audit = defineCommand({
  meta: { name: 'audit', description: 'Who changed what.' },
  subCommands: { list, verify },
})
