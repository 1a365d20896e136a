/**
 * `signalbox policy`: what an operator does with policies from a terminal.
 */
import { defineCommand } from 'citty'

export const policy = defineCommand({
  meta: { name: 'policy', description: 'Check, push, compare and explain policies.' },
  subCommands: {
    check: () => import('./policy-check.ts').then(file => file.check),
    push: () => import('./policy-push.ts').then(file => file.push),
    diff: () => import('./policy-diff.ts').then(file => file.diff),
    list: () => import('./policy-versions.ts').then(file => file.list),
    versions: () => import('./policy-versions.ts').then(file => file.versions),
    rollback: () => import('./policy-versions.ts').then(file => file.rollback),
    explain: () => import('./policy-explain.ts').then(file => file.explain),
    variables: () => import('./policy-variables.ts').then(file => file.variables),
  },
})
