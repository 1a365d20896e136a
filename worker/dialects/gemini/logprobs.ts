/**
 * How likely each token was, between this format's two lists (what was chosen, what else was likely) and OpenAI's one, which is the
 * neutral form.
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'

export function readLogprobs(raw: Json | undefined): JsonObject | null {
  if (!isObject(raw) || !Array.isArray(raw.chosenCandidates)) return null
  const tops = Array.isArray(raw.topCandidates) ? raw.topCandidates : []
  return {
    content: raw.chosenCandidates.filter(isObject).map((chosen, i) => {
      const top = tops[i]
      const others = isObject(top) && Array.isArray(top.candidates) ? top.candidates.filter(isObject) : []
      return { ...likely(chosen), top_logprobs: others.map(likely) }
    }),
  }
}

const UTF8 = new TextEncoder()

function likely(candidate: JsonObject): JsonObject {
  const token = typeof candidate.token === 'string' ? candidate.token : ''
  return { token, logprob: candidate.logProbability ?? null, bytes: [...UTF8.encode(token)] }
}

export function writeLogprobs(logprobs: Json | undefined): JsonObject | null {
  if (!isObject(logprobs) || !Array.isArray(logprobs.content)) return null
  const tokens = logprobs.content.filter(isObject)
  return {
    chosenCandidates: tokens.map(candidate),
    topCandidates: tokens.map(({ top_logprobs }) => ({
      candidates: Array.isArray(top_logprobs) ? top_logprobs.filter(isObject).map(candidate) : [],
    })),
  }
}

const candidate = ({ token, logprob }: JsonObject): JsonObject => ({ token: token ?? '', logProbability: logprob ?? null })
