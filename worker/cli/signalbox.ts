/**
 * `signalbox` in the terminal. Each subject is a file that is loaded when it is asked for, so that `--help` is quick.
 */
import { type CommandDef, defineCommand, runMain } from 'citty'

const signalbox: CommandDef = defineCommand({
  meta: { name: 'signalbox', description: 'An AI router at the edge: its policies, keys, budgets, targets and usage.' },
  subCommands: {
    keys: () => import('./keys.ts').then(file => file.keys),
    budgets: () => import('./budgets.ts').then(file => file.budgets),
    limits: () => import('./limits.ts').then(file => file.limits),
    usage: () => import('./usage.ts').then(file => file.usage),
    targets: () => import('./targets.ts').then(file => file.targets),
    evaluate: () => import('./evaluate.ts').then(file => file.evaluate),
    simulate: () => import('./simulate.ts').then(file => file.simulate),
    policy: () => import('./policy.ts').then(file => file.policy),
    admin: () => import('./admin.ts').then(file => file.admin),
    audit: () => import('./audit.ts').then(file => file.audit),
    completion: () => import('./completion.ts').then(file => file.completion(() => signalbox)),
  },
})

void runMain(signalbox)
