/**
 * `signalbox simulate`: a policy under load and weather, without any network: which requests fail, how soon an outage is
 * found, when the first choice is back. The same seed gives the same run, to the last event.
 */
import { defineCommand } from 'citty'
import { compilePolicy, problemLine } from '../core/decide/rules.ts'
import { wholeCatalogue } from '../core/decide/trial.ts'
import { run } from '../simulate/cluster.ts'
import { figuresOf, linesOf } from '../simulate/report.ts'
import { type Scene, sceneOf, smallScene } from '../simulate/scene.ts'
import { WEATHERS } from '../simulate/weather.ts'
import { WORKLOADS } from '../simulate/workload.ts'
import { ending, Stop } from './ending.ts'
import { policyFiles, readable, readCatalogue } from './policy-files.ts'

export const simulate = defineCommand({
  meta: { name: 'simulate', description: 'A policy under simulated load and faults. Calls nobody; the same seed gives the same run.' },
  args: {
    policy: { type: 'string', description: 'A policy file, or the name of one in policies/; a primary and one fallback where absent' },
    workload: { type: 'enum', options: Object.keys(WORKLOADS), default: 'usual', description: 'Who asks' },
    weather: {
      type: 'enum',
      options: Object.keys(WEATHERS),
      default: 'outage',
      description: 'What goes wrong, from the first minute to the third',
    },
    seed: { type: 'string', default: '1', description: 'A whole number' },
    prompt: { type: 'string', description: 'What every request asks' },
    bytes: { type: 'boolean', description: 'Through the real dispatch, byte by byte; some ten times slower' },
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const seed = Number(args.seed)
      if (!Number.isInteger(seed)) throw new Stop(`--seed takes a whole number, not "${args.seed}"`)
      const workload = WORKLOADS[args.workload]
      const weather = WEATHERS[args.weather]
      if (workload === undefined || weather === undefined) throw new Stop('there is no such workload or weather')
      const scene = sceneFor(args.policy, args.prompt)
      const outcomes = await run({ scene, workload, weather, seed, bytes: args.bytes === true })
      const lines = [
        `${scene.policy.policy.name} · ${workload.name}: ${workload.rps} requests a second over ${workload.isolates} isolates · ${weather.name} · seed ${seed}`,
        `would answer: ${scene.order.join(', then ')}`,
        '',
        ...linesOf(figuresOf(outcomes, scene, weather, workload), outcomes, scene),
      ]
      process.stdout.write(`${lines.join('\n')}\n`)
      return outcomes.broken.length === 0
    }),
})

function sceneFor(named: string | undefined, prompt: string | undefined): Scene {
  if (named === undefined) return smallScene()
  const [file] = readable(() => policyFiles([named]))
  if (!file) throw new Stop(`there is no policy ${named}`)
  const compiled = compilePolicy(file.text, file.version)
  if (!compiled.ok) throw new Stop(`the policy does not parse\n${compiled.error.map(each => problemLine(file.shown, each)).join('\n')}`)
  return sceneOf(compiled.value, wholeCatalogue(readable(() => readCatalogue(undefined))), prompt)
}
