/**
 * Everything that decides whether a policy is good: it parses, the static checks find no error, and its own tests pass. The
 * same verdict stands before a push as behind `policy check`.
 */
import { readDocument } from '../core/decide/document-place.ts'
import { checkPolicy, type Finding, type WorstCase, worstCase } from '../core/decide/lint.ts'
import { compilePolicy, problem, problemLine } from '../core/decide/rules.ts'
import { runPolicyTests, type TestResult } from '../core/decide/trial.ts'
import type { CompiledPolicy } from '../core/decide/world.ts'
import type { Catalogue } from '../schema/catalogue.ts'
import { nameOfFile, type PolicyFile } from './policy-files.ts'

export type Verdict = {
  file: PolicyFile
  /** null where it does not parse. */
  policy: CompiledPolicy | null
  findings: Finding[]
  tests: TestResult[]
  worst: WorstCase | null
  ok: boolean
}

export function verdictOn(file: PolicyFile, catalogue: Catalogue): Verdict {
  const compiled = compilePolicy(file.text, file.version)
  const policy = compiled.ok ? compiled.value : null
  const tests = policy ? runPolicyTests(policy, catalogue) : []
  const document = readDocument(file.text)
  const failed = tests.flatMap((test, i): Finding[] =>
    test.ok
      ? []
      : [
          {
            ...problem(['tests', i], document.placeOf(['tests', i]), `test "${test.name}": expected ${test.expected}, got ${test.got}`),
            severity: 'error',
          },
        ],
  )
  const misnamed: Finding[] =
    policy && policy.policy.name !== nameOfFile(file.path)
      ? [
          {
            ...problem(
              ['name'],
              document.placeOf(['name']),
              `the file is called "${nameOfFile(file.path)}" but the policy "${policy.policy.name}"`,
            ),
            severity: 'warning',
          },
        ]
      : []
  const findings = [...checkPolicy(file.text, catalogue), ...misnamed, ...failed]
  return { file, policy, findings, tests, worst: worstCase(file.text, catalogue), ok: !findings.some(each => each.severity === 'error') }
}

/** For people: a line for each finding, as editors and CI parse them, and one for the whole. */
export function verdictLines({ file, policy, findings, tests, worst, ok }: Verdict): string[] {
  const lines = findings.map(each => problemLine(file.shown, { ...each, message: `${each.severity}: ${each.message}` }))
  if (!ok) return [...lines, `${file.shown}: not accepted`]
  return [
    ...lines,
    `${file.shown}: ok, policy "${policy?.policy.name}" ${file.version}, ${tests.length} tests pass; ${worst ? worstLine(worst) : ''}`,
  ]
}

function worstLine({ calls, total_ms, usual_cost_micros, most_cost_micros, dearest }: WorstCase): string {
  const usd = (micros: number | null) => (micros === null ? 'unknown' : `$${(micros / 1_000_000).toFixed(micros < 10_000 ? 4 : 2)}`)
  return `worst case ${calls} calls, ${total_ms / 1000} s, ${usd(usual_cost_micros)} for 2,000 tokens in and 1,000 out, ${usd(most_cost_micros)} with a full context (${dearest ?? 'nothing priced'})`
}

export function verdictJson({ file, policy, findings, tests, worst, ok }: Verdict): object {
  return { file: file.shown, name: policy?.policy.name ?? null, version: file.version, ok, findings, tests, worst_case: worst }
}
