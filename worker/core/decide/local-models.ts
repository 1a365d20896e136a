/**
 * Targets on the operator's own server: one for each model that a variable lists. What is known of open weights elsewhere in
 * the catalogue holds for them too.
 */
import type { Provider, Target } from '../../schema/catalogue.ts'
import { targetId } from '../../schema/ids.ts'
import { textOf, type Variables } from './address.ts'
import { lastSegment, plainNames } from './plain-names.ts'

/** Finds the hosted target with the same weights as a local model. */
type Weights = (model: string) => Target | undefined

/** Local models one variable may list; more than an operator runs, few enough that a pasted file does no harm. */
const LOCAL_MODELS = 50

/** The models that an operator lists for an own server, each with the facts of `open_models` and of its weights where they are known. */
export function localTargets(provider: Provider, variables: Variables, weights: Weights): { targets: Target[]; refused: string[] } {
  const targets: Target[] = []
  const refused: string[] = []
  const { models_var, open_models, more_models = [] } = provider
  const chat = open_models && withWindow(open_models, provider, variables, refused)
  const lists = models_var === undefined || chat === undefined ? more_models : [{ models_var, open_models: chat }, ...more_models]
  const seen = new Set<string>()
  for (const list of lists) readList(provider, list, variables, weights, seen, targets, refused)
  return { targets, refused }
}

const WINDOW_MOST_TOKENS = 100_000_000

/** The window that the server was started with, where the operator says. */
function withWindow(open: Open['open_models'], { context_var }: Provider, variables: Variables, refused: string[]): Open['open_models'] {
  const text = context_var === undefined ? '' : textOf(variables, context_var).trim()
  if (text === '') return open
  const context_tokens = Number(text)
  if (!Number.isInteger(context_tokens) || context_tokens < 1 || context_tokens > WINDOW_MOST_TOKENS) {
    refused.push(`${context_var} is "${text.slice(0, 40)}", which is no number of tokens.`)
    return open
  }
  const output_tokens = Math.min(open.capability.output_tokens, context_tokens)
  return { ...open, capability: { ...open.capability, context_tokens, output_tokens } }
}

type Open = NonNullable<Provider['more_models']>[number]

function readList(
  provider: Provider,
  { models_var, open_models }: Open,
  variables: Variables,
  weights: Weights,
  seen: Set<string>,
  targets: Target[],
  refused: string[],
): void {
  for (const part of textOf(variables, models_var).split(',')) {
    const model = part.trim()
    if (model === '' || seen.has(model)) continue
    seen.add(model)
    if (seen.size > LOCAL_MODELS) {
      refused.push(`${models_var} lists more than ${LOCAL_MODELS} models; those after the first ${LOCAL_MODELS} are left out.`)
      break
    }
    const id = `${provider.id}/${model}`
    if (!targetId.safeParse(id).success) {
      refused.push(`${models_var} lists "${model.slice(0, 60)}", which is not a model name: letters, digits and @ . _ : / - only.`)
      continue
    }
    const known = weights(model)
    targets.push({
      ...open_models,
      // Whether two servers made these vectors alike, nobody has said.
      ...(open_models.embedding && { embedding: { ...open_models.embedding, space: id } }),
      ...(known && { family: known.family, released: known.released, quality: known.quality, energy: known.energy }),
      id,
      provider: provider.id,
      model,
      aliases: [],
    })
  }
}

/**
 * Open weights are the same wherever they run, so a local `gpt-oss:20b` is as good as a hosted one. Only quality and energy
 * carry over; context, price and speed are the server's. Looked up by exact name or alias, then by the name without its
 * folder, then without its tag: `org/some-8b:q4` is `some-8b`.
 */
export function openWeights(targets: Target[]): Weights {
  // Made on first use: most deployments list no local model and need not pay for it.
  let by_name: Map<string, Target> | null = null
  const index = () => {
    const open = targets.filter(target => target.energy.confidence !== 'guess')
    return new Map(open.flatMap(target => plainNames(target).map(name => [name, target] as const)))
  }
  return model => {
    by_name ??= index()
    const name = model.toLowerCase()
    const bare = lastSegment(name)
    return by_name.get(name) ?? by_name.get(bare) ?? by_name.get(bare.split(':', 1)[0] ?? bare)
  }
}
