/**
 * `signalbox` in the terminal. Each subject is a file that is loaded when it is asked for, so that `--help` is quick.
 */
import { defineCommand, runMain } from 'citty'

const signalbox = defineCommand({
  meta: { name: 'signalbox', description: "An AI router at the edge: its policies and its callers' keys." },
  subCommands: {
    keys: () => import('./keys.ts').then(file => file.keys),
    policy: () => import('./policy.ts').then(file => file.policy),
  },
})

void runMain(signalbox)
