/**
 * `npm run schema`: writes `policies/policy.schema.json` from the policy's one declaration, for editors that complete and check
 * YAML by the line at the top of each policy. A test fails when the file is older than the declaration.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { policy } from '../schema/policy.ts'
import { PROJECT } from './wrangler.ts'

export const POLICY_SCHEMA_FILE = join(PROJECT, 'policies/policy.schema.json')

export function policySchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(policy, { io: 'input', target: 'draft-7' })
  return `${JSON.stringify({ $schema, title: 'Signalbox policy', ...schema }, null, 2)}\n`
}

if (import.meta.main) writeFileSync(POLICY_SCHEMA_FILE, policySchemaText())
