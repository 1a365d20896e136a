/**
 * The verdict on a policy file, in words for people and as JSON for programs.
 */
import type { WorstCase } from '../core/decide/lint.ts'
import { problemLine } from '../core/decide/rules.ts'
import { type Verdict, verdictOn } from '../core/decide/verdict.ts'
import type { Catalogue } from '../schema/catalogue.ts'
import { bundledUnderstanding, nameOfFile, type PolicyFile } from './policy-files.ts'

export type FileVerdict = Verdict & { file: PolicyFile }

export function verdictOnFile(file: PolicyFile, catalogue: Catalogue): FileVerdict {
  const is = nameOfFile(file.path)
  const says = (own: string) => `the file is called "${is}" but the policy "${own}"`
  return { file, ...verdictOn(file.text, file.version, catalogue, bundledUnderstanding(), { is, severity: 'warning', says }) }
}

/** For people: a line for each finding, as editors and CI parse them, and one for the whole. */
export function verdictLines({ file, policy, findings, tests, worst, ok }: FileVerdict): string[] {
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

export function verdictJson({ file, policy, findings, tests, worst, ok }: FileVerdict): object {
  return { file: file.shown, name: policy?.policy.name ?? null, version: file.version, ok, findings, tests, worst_case: worst }
}
