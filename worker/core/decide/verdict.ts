/**
 * Everything that decides whether a policy is good: it parses, the static checks find no error, and its own tests pass. The
 * same verdict stands behind `policy check`, before a push, and in the admin API.
 */
import type { Catalogue } from '../../schema/catalogue.ts'
import type { PolicyVersion } from '../../schema/ids.ts'
import type { Understanding } from '../understand/artefact.ts'
import { readDocument } from './document-place.ts'
import { checkPolicy, type Finding, type WorstCase, worstCase } from './lint.ts'
import { compilePolicy, problem } from './rules.ts'
import { runPolicyTests, type TestResult } from './trial.ts'
import type { CompiledPolicy } from './world.ts'

export type Verdict = {
  /** Null where it does not parse. */
  policy: CompiledPolicy | null
  findings: Finding[]
  tests: TestResult[]
  worst: WorstCase | null
  ok: boolean
}

/** `name`: what the policy should call itself, and how bad it is if it does not; null where anything will do. */
export function verdictOn(
  text: string,
  version: PolicyVersion,
  catalogue: Catalogue,
  model: Understanding | null,
  name: { is: string; severity: Finding['severity']; says(own: string): string } | null,
): Verdict {
  const compiled = compilePolicy(text, version)
  const policy = compiled.ok ? compiled.value : null
  const tests = policy ? runPolicyTests(policy, catalogue, model) : []
  const document = readDocument(text)
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
  const own = policy?.policy.name
  const misnamed: Finding[] =
    name && own !== undefined && own !== name.is
      ? [{ ...problem(['name'], document.placeOf(['name']), name.says(own)), severity: name.severity }]
      : []
  const findings = [...checkPolicy(text, catalogue), ...misnamed, ...failed]
  return { policy, findings, tests, worst: worstCase(text, catalogue), ok: !findings.some(each => each.severity === 'error') }
}
