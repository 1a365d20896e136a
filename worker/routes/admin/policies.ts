/**
 * Policies: read, checked, put, compared, rolled back. What is put is checked first, by the same verdict as `policy check`,
 * and a policy that is not good never takes the place of one that is. Every version stays, so that what was in force at any
 * time can be read and brought back.
 */

import * as z from 'zod'
import { type Verdict, verdictOn } from '../../core/decide/verdict.ts'
import type { GatewayError } from '../../core/errors.ts'
import { unifiedDiff } from '../../core/line-diff.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { policyName } from '../../schema/ids.ts'
import { ms } from '../../schema/units.ts'
import { wholeCatalogueOf } from '../../store/catalogue-overlay.ts'
import { policyInForce, policyNames, policyVersion, policyVersions, putPolicy, type StoredPolicy } from '../../store/policy-records.ts'
import { textVersion } from '../../store/text-version.ts'
import { understanding } from '../../store/understanding.ts'
import { change } from './change.ts'
import { type Call, type Route, route, Text } from './route.ts'

const version = () => z.string().regex(/^[0-9a-f]{16}$/, 'a version is 16 hex digits')
const params = () => z.strictObject({ name: policyName })
/** A megabyte is the whole body; the parser takes a quarter. */
const text = () => z.string().min(1).max(262_144).describe('The policy, YAML or JSON.')
const finding = () =>
  z.strictObject({
    path: z.string(),
    line: z.int().nullable(),
    column: z.int().nullable(),
    message: z.string(),
    severity: z.enum(['error', 'warning']),
  })
const verdict = () =>
  z.strictObject({
    ok: z.boolean(),
    name: z.string().nullable(),
    version: version(),
    findings: z.array(finding()),
    tests: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), expected: z.string(), got: z.string() })),
    worst_case: z
      .strictObject({
        calls: z.number(),
        total_ms: z.number(),
        usual_cost_micros: z.number().nullable(),
        most_cost_micros: z.number().nullable(),
        dearest: z.string().nullable(),
      })
      .nullable(),
  })
const inForce = () =>
  z.strictObject({
    name: policyName,
    version: version(),
    bundled: z.boolean().describe('True where KV has none and the one in the Worker serves.'),
    text: z.string(),
  })
const taken = () =>
  z.strictObject({
    name: policyName,
    version: version(),
    replaces: version().nullable(),
    findings: z.array(finding()).describe('Warnings.'),
  })
const if_version = () =>
  version().nullable().optional().describe('Refused with 409 unless this version is in force; null: unless there is none.')

export const POLICY_ROUTES: Route[] = [
  route({
    id: 'policies.list',
    method: 'GET',
    path: '/admin/v1/policies',
    role: 'viewer',
    reach: 'router',
    summary: 'Policies, and what is wrong with any that this isolate could not take',
    answer: () =>
      z.strictObject({
        policies: z.array(z.strictObject({ name: policyName })),
        alarms: z.array(z.strictObject({ about: z.string(), message: z.string(), line: z.int().nullable(), since_ms: ms })),
      }),
    async handle({ world }) {
      const names = await policyNames(world.env.KV)
      return ok({ policies: names.map(name => ({ name })), alarms: world.deps.policies.problems() })
    },
  }),
  route({
    id: 'policies.check',
    method: 'POST',
    path: '/admin/v1/policy-check',
    role: 'viewer',
    reach: 'router',
    summary: 'Judges a policy and changes nothing: does it parse, can its rules match, do its own tests pass',
    body: () => z.strictObject({ text: text() }),
    answer: verdict,
    async handle(call) {
      const hash = await textVersion(call.body.text)
      return ok(shown(await judged(call, call.body.text, hash, null), hash))
    },
  }),
  route({
    id: 'policies.get',
    method: 'GET',
    path: '/admin/v1/policies/:name',
    role: 'viewer',
    reach: 'router',
    summary: 'The policy in force, or one of its versions',
    params,
    query: () => z.strictObject({ version: version().optional() }),
    answer: inForce,
    async handle(call) {
      return found(call, call.params.name, call.query.version)
    },
  }),
  route({
    id: 'policies.versions',
    method: 'GET',
    path: '/admin/v1/policies/:name/versions',
    role: 'viewer',
    reach: 'router',
    summary: 'Every version of a policy, newest first',
    params,
    answer: () =>
      z.strictObject({
        name: policyName,
        versions: z.array(z.strictObject({ version: version(), in_force: z.boolean(), at_ms: ms.nullable(), by: z.string().nullable() })),
      }),
    async handle({ params: { name }, world }) {
      const [current, versions] = await Promise.all([policyInForce(world.env.KV, name), policyVersions(world.env.KV, name)])
      if (!current && versions.length === 0) return err({ code: 'resource_not_found', kind: 'policy', id: name })
      const unkept =
        current && !versions.some(each => each.version === current.version) ? [{ version: current.version, at_ms: null, by: null }] : []
      return ok({ name, versions: [...unkept, ...versions].map(each => ({ ...each, in_force: each.version === current?.version })) })
    },
  }),
  route({
    id: 'policies.diff',
    method: 'GET',
    path: '/admin/v1/policies/:name/diff',
    role: 'viewer',
    reach: 'router',
    summary: 'Two versions of a policy, line by line, as text',
    params,
    query: () => z.strictObject({ from: version(), to: version().optional().describe('The one in force where absent.') }),
    async handle(call) {
      const [before, after] = await Promise.all([
        found(call, call.params.name, call.query.from),
        found(call, call.params.name, call.query.to),
      ])
      if (!before.ok) return before
      if (!after.ok) return after
      const name = (policy: StoredPolicy) => `policy/${policy.name}@${policy.version}`
      const diff = unifiedDiff(before.value.text, after.value.text, { before: name(before.value), after: name(after.value) })
      return ok(new Text(diff ? `${diff}\n` : '', { 'content-type': 'text/plain; charset=utf-8' }))
    },
  }),
  route({
    id: 'policies.put',
    method: 'PUT',
    path: '/admin/v1/policies/:name',
    role: 'operator',
    reach: 'router',
    summary: 'Checks a policy and puts it in force; running isolates take it up within seconds to a minute',
    params,
    body: () => z.strictObject({ text: text(), if_version: if_version() }),
    answer: taken,
    handle: call => put(call, call.params.name, call.body.text, call.body.if_version, {}),
  }),
  route({
    id: 'policies.rollback',
    method: 'POST',
    path: '/admin/v1/policies/:name/rollback',
    role: 'operator',
    reach: 'router',
    summary: 'Puts an earlier version in force again, checked as any other',
    params,
    body: () => z.strictObject({ to: version(), if_version: if_version() }),
    answer: taken,
    async handle(call) {
      const earlier = await found(call, call.params.name, call.body.to)
      return earlier.ok ? put(call, call.params.name, earlier.value.text, call.body.if_version, { rollback_to: call.body.to }) : earlier
    },
  }),
]

async function found({ world }: Call, name: string, wanted: string | undefined): Promise<Result<StoredPolicy, GatewayError>> {
  const current = await policyInForce(world.env.KV, name)
  if (wanted === undefined || wanted === current?.version)
    return current ? ok(current) : err({ code: 'resource_not_found', kind: 'policy', id: name })
  const text = await policyVersion(world.env.KV, name, wanted)
  return text === null
    ? err({ code: 'resource_not_found', kind: 'version', id: `${name}@${wanted}` })
    : ok({ name, version: wanted, text, bundled: false })
}

async function put(
  call: Call,
  name: string,
  text: string,
  if_version: string | null | undefined,
  detail: Record<string, unknown>,
): Promise<Result<z.input<ReturnType<typeof taken>>, GatewayError>> {
  const { KV } = call.world.env
  const version = await textVersion(text)
  const current = await policyInForce(KV, name)
  const replaces = current && !current.bundled ? current.version : null
  if (if_version !== undefined && if_version !== replaces && if_version !== current?.version)
    return err({ code: 'conflict', message: `The version in force is ${current?.version ?? 'none'}, not ${if_version ?? 'none'}.` })
  const says = (own: string) => `it calls itself "${own}", and would be stored as "${name}"`
  const { ok: good, findings } = await judged(call, text, version, { is: name, severity: 'error', says })
  if (!good) return err({ code: 'policy_not_accepted', policy: name, findings })
  const what = {
    subject: `${name}@${version}`,
    org: null,
    before: current?.text ?? null,
    after: text,
    detail: { ...detail, version, replaces },
  }
  const done = await change(call, what, () =>
    putPolicy(KV, { name, version, text }, current, { at_ms: call.world.now_ms, by: call.actor.name }),
  )
  return done.ok ? ok({ name, version, replaces, findings }) : done
}

async function judged({ world }: Call, text: string, version: string, name: Parameters<typeof verdictOn>[4]): Promise<Verdict> {
  return verdictOn(text, version, await wholeCatalogueOf(world.env.KV), understanding(), name)
}

function shown({ ok, policy, findings, tests, worst }: Verdict, version: string): z.input<ReturnType<typeof verdict>> {
  return { ok, name: policy?.policy.name ?? null, version, findings, tests, worst_case: worst }
}
