/**
 * A worker that understands and decides as often as it is asked to, and nothing else, so that what one call takes of the runtime's processor
 * can be told from outside: inside, the clock stands still while it computes. `/?what=both&bytes=2000&from=0&calls=50`; the bodies are
 * the variants in turn. `what=nothing` is the way to it and back; without `read=no`, the artefacts are read.
 */

import catalogue_json from '../../../policies/catalogue.json'
import policy_text from '../../../policies/default.yaml'
import { decide } from '../../../worker/core/decide/decide.ts'
import type { World } from '../../../worker/core/decide/world.ts'
import { readArtefact, type Understanding } from '../../../worker/core/understand/artefact.ts'
import { understand } from '../../../worker/core/understand/understand.ts'
import type { Catalogue } from '../../../worker/schema/catalogue.ts'
import type { ChatRequest } from '../../../worker/schema/chat.ts'
import { bodies, requestFrom, worldFrom } from '../world.ts'
import name_bytes from './names.bin'
import understanding_bytes from './understanding.bin'

const TARGETS = 100

let world: World | undefined
let model: Understanding | undefined
const requests = new Map<number, ChatRequest[]>()

export default {
  fetch(request: Request): Response {
    const asked = new URL(request.url).searchParams
    const number = (name: string) => Number(asked.get(name) ?? 0)
    const what = asked.get('what') ?? 'nothing'
    if (what === 'nothing') return new Response('0')
    model ??= readArtefact(understanding_bytes, name_bytes)
    if (what === 'read') return new Response(String(model.header.rows))
    world ??= worldFrom(catalogue_json as unknown as Catalogue, policy_text, TARGETS)
    const bytes = number('bytes')
    const of_size = requests.get(bytes) ?? bodies(bytes).map(requestFrom)
    requests.set(bytes, of_size)
    let told = 0
    for (let turn = number('from'); turn < number('from') + number('calls'); turn++) {
      const chat = of_size[turn % of_size.length] as ChatRequest
      const features = understand(chat, model)
      const decision = decide(chat, features, world)
      if (!decision.ok) return new Response(decision.error.code, { status: 500 })
      told += decision.value.plan.steps.length
    }
    return new Response(String(told))
  },
}
