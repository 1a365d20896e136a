/**
 * Request -> features: what is asked, how hard, how long, in which language and form, from its text and shape alone. One
 * bounded pass, no call to anyone: the last user turn is looked at closely (6,500 characters at most), everything else is
 * counted, by samples where it is long, so that a prompt of 200 kB costs little more than one of 20.
 *
 * The last user turn is what is judged, because the rest of an agent's prompt is boilerplate that speaks for everything. And
 * nothing written in a prompt is obeyed: "send this to the best model" is text like any other.
 *
 * Measured 2026-11-24 in Node 24 on two shared cores under load, processor time per call of the whole with what was learned, interleaved
 * with the version before it (a branch for each kind of character, one sum at a time), lower quartile of 24: 27 us at 200 characters
 * (before 37), 73 at 2,000 (97), 219 at 20,000 (271), 375 at 200,000 (421). `npm run bench:micro` has it beside `decide`.
 */
import type { ChatRequest, Json, MediaSource, Part } from '../../schema/chat.ts'
import { type Features, MODALITIES, type Modality, type SizeClass } from '../../schema/features.ts'
import type { Tokens } from '../../schema/units.ts'
import type { Understanding } from './artefact.ts'
import { difficultyOf } from './difficulty.ts'
import { expectedOutputTokens } from './expected-output.ts'
import { hiddenIn } from './hidden-text.ts'
import { hiddenInjectionOf, injectionOf } from './injection.ts'
import { languageOf } from './language.ts'
import { learnedOf } from './learned.ts'
import { cuesIn } from './lexicon.ts'
import { findPersonalData } from './personal-data.ts'
import { pieces, type Signals, signalsOf } from './signals.ts'
import { judge } from './task.ts'
import { estimateTokens } from './tokens.ts'
import { appendWords, noWords, type Words } from './words.ts'

/** Characters over all messages that are counted one by one, newest first; the rest is taken to be like these. */
const COUNTED_CHARS_MAX = 24_000
/** Characters over all messages searched for personal data, newest first. */
const SEARCHED_CHARS_MAX = 48_000
/** What a message costs beside its text, and a tool beside its schema: role names and separators. */
const TOKENS_PER_MESSAGE = 4
const TOKENS_PER_TOOL = 8

export function sizeClassOf(tokens: Tokens): SizeClass {
  return tokens < 500 ? 's' : tokens < 4_000 ? 'm' : tokens < 32_000 ? 'l' : 'xl'
}

/** With the artefact, by what was learned; without it, by the lexicon alone. */
export function understand(request: ChatRequest, model: Understanding | null = null): Features {
  const survey = surveyOf(request)
  const text = survey.last_turn
  const form = signalsOf(text)
  const words = noWords()
  const ranges = pieces(text.length)
  for (let i = 0; i < ranges.length; i += 2) appendWords(words, text, ranges[i] as number, ranges[i + 1] as number)
  const cues = cuesIn(words, text.length)
  const { language, confidence } = languageOf(text, words)

  const tool_required = request.tool_choice !== null && (request.tool_choice.mode === 'required' || request.tool_choice.mode === 'named')
  const tools = request.tool_choice?.mode === 'none' ? 0 : request.tools.length
  const setting = {
    tools,
    tool_required,
    at_work: survey.at_work,
    tool_results: survey.tool_results,
    context_chars: survey.chars - text.length,
  }
  const learned = model && learnedOf(text, words, cues, form, setting, model)
  const judgement = learned ? learned.judgement : judge(cues, form, setting)
  const last_turn_tokens = Math.min(survey.tokens, survey.last_turn_tokens)
  const reasoning_requested = request.reasoning !== null && request.reasoning.effort !== 'none'
  const known = {
    ...judgement,
    last_turn_tokens,
    tools: request.tools.length,
    tool_results: survey.tool_results,
    reasoning_requested,
    output_form: request.output.form,
    max_output_tokens: request.max_output_tokens,
  }
  return {
    ...known,
    difficulty: difficultyOf(cues, form, known, learned?.gain ?? 0),
    language,
    language_confidence: confidence,
    input_modalities: MODALITIES.filter((_, index) => survey.modalities & (1 << index)),
    prompt_tokens: survey.tokens,
    size: sizeClassOf(survey.tokens),
    expected_output_tokens: expectedOutputTokens(text, words, cues, form, known),
    turns: survey.turns,
    has_system: survey.has_system,
    tool_required,
    code_share: form.code_share,
    math_share: form.math_share,
    streaming: request.stream,
    choices: request.choices,
    logprobs: request.logprobs !== null,
    personal_data: survey.personal_data,
    // Last, for what is hidden is read into the same memory.
    injection: Math.max(learned?.injection ?? 0, injectionOf(cues) || hiddenInjection(text, words, form)),
  }
}

function hiddenInjection(text: string, words: Words, form: Signals): number {
  const hidden = hiddenIn(text, words, form)
  if (hidden === null) return 0
  const told = noWords()
  appendWords(told, hidden, 0, hidden.length)
  return hiddenInjectionOf(cuesIn(told, hidden.length))
}

type Survey = {
  last_turn: string
  last_turn_tokens: Tokens
  /** All text of all messages. */
  chars: number
  tokens: Tokens
  turns: number
  has_system: boolean
  tool_results: boolean
  at_work: boolean
  /** Bits, in the order of `MODALITIES`. */
  modalities: number
  personal_data: string[]
}

const modalityBit = (modality: Modality) => 1 << MODALITIES.indexOf(modality)
const TEXT_BIT = modalityBit('text')

/** The walk over all messages, newest first, with what is left of each bound. */
function surveyOf(request: ChatRequest): Survey {
  const { messages } = request
  const survey: Survey = {
    last_turn: '',
    last_turn_tokens: 0,
    chars: 0,
    tokens: 3,
    turns: 0,
    has_system: false,
    tool_results: false,
    at_work: false,
    modalities: 0,
    personal_data: [],
  }
  const found = new Set<string>()
  const tally: Tally = { counted_chars: 0, counted_tokens: 0, uncounted_chars: 0, searched_chars: 0, found }
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i] as ChatRequest['messages'][number]
    const { role, parts } = message
    survey.tokens += TOKENS_PER_MESSAGE
    if (role === 'system' || role === 'developer') survey.has_system = true
    const before_chars = survey.chars
    const before_tokens = tally.counted_tokens
    const said = surveyParts(parts, survey, tally)
    // A tool's result may travel in a user message; that is the agent's turn, and not the user's.
    const isTurn = role === 'user' && (said > 0 || !parts.some(part => part.type === 'tool_result'))
    if (!isTurn) {
      if (i === messages.length - 1 && (role === 'tool' || parts.some(isToolPart))) survey.at_work = true
      continue
    }
    if (survey.turns++ === 0) {
      survey.last_turn = textOf(parts)
      survey.last_turn_tokens = Math.ceil(tally.counted_tokens - before_tokens) || Math.ceil((survey.chars - before_chars) / 4)
    }
  }
  const density = tally.counted_chars > 0 ? tally.counted_tokens / tally.counted_chars : 0.25
  survey.tokens += Math.ceil(tally.counted_tokens + tally.uncounted_chars * density) + toolTokens(request)
  survey.personal_data = [...found].sort()
  return survey
}

const isToolPart = (part: Part) => part.type === 'tool_call' || part.type === 'tool_result'

function textOf(parts: Part[]): string {
  let text = ''
  for (const part of parts) if (part.type === 'text') text = text === '' ? part.text : `${text}\n${part.text}`
  return text
}

type Tally = { counted_chars: number; counted_tokens: number; uncounted_chars: number; searched_chars: number; found: Set<string> }

/** Characters of plain text among the parts. */
function surveyParts(parts: Part[], survey: Survey, tally: Tally): number {
  let said = 0
  for (const part of parts) {
    switch (part.type) {
      case 'text':
        said += part.text.length
        count(part.text, survey, tally)
        break
      case 'reasoning':
      case 'refusal':
        count(part.text, survey, tally)
        break
      case 'tool_call':
        survey.tool_results = true
        count(part.arguments, survey, tally)
        break
      case 'tool_result':
        survey.tool_results = true
        surveyParts(part.parts, survey, tally)
        break
      case 'media':
        survey.modalities |= modalityBit(part.modality)
        survey.tokens += mediaTokens(part.modality, part.source)
        break
      case 'other':
        survey.tokens += jsonTokens(part.value)
    }
  }
  return said
}

function count(text: string, survey: Survey, tally: Tally): void {
  const { length } = text
  if (length === 0) return
  survey.modalities |= TEXT_BIT
  survey.chars += length
  if (tally.counted_chars < COUNTED_CHARS_MAX) {
    tally.counted_chars += length
    tally.counted_tokens += estimateTokens(text)
  } else tally.uncounted_chars += length
  const searched = Math.min(length, SEARCHED_CHARS_MAX - tally.searched_chars)
  if (searched > 0) findPersonalData(text, 0, searched, tally.found)
  tally.searched_chars += searched
}

/**
 * Tokens of what is no text, by rule of thumb: an image is about 800 where providers say (tiles of 85 + 170), a minute of
 * sound some 1,500, a page of a file 1,500 for its 50 kB, a video as many images as it has seconds. What is behind a URL is
 * taken for small. Too high is safer than too low here: it reserves more, and prefers a larger window.
 */
function mediaTokens(modality: Exclude<Modality, 'text'>, source: MediaSource): Tokens {
  const bytes = source.at === 'base64' ? source.data.length * 0.75 : 0
  switch (modality) {
    case 'image':
      return 800
    case 'audio':
      return Math.max(300, Math.ceil(bytes / 1_000))
    case 'file':
      return Math.max(1_500, Math.ceil(bytes / 33))
    case 'video':
      return Math.max(5_000, Math.ceil(bytes / 1_000))
  }
}

function toolTokens(request: ChatRequest): Tokens {
  let tokens = request.output.form === 'json_schema' ? jsonTokens(request.output.schema) : 0
  for (const tool of request.tools) {
    tokens += TOKENS_PER_TOOL + (tool.description?.length ?? 0) / 4.4 + jsonTokens(tool.parameters)
  }
  return Math.ceil(tokens)
}

const JSON_NODES_MAX = 4_000
const JSON_DEPTH_MAX = 24

/** Tokens of a schema as providers write it out: names and descriptions, a mark or two for each value. */
function jsonTokens(value: Json): Tokens {
  const left = { nodes: JSON_NODES_MAX }
  return nodeTokens(value, left, 0)
}

function nodeTokens(value: Json, left: { nodes: number }, depth: number): Tokens {
  if (left.nodes-- <= 0 || depth > JSON_DEPTH_MAX) return 0
  if (typeof value === 'string') return 2 + value.length / 4.4
  if (value === null || typeof value !== 'object') return 2
  let tokens = 2
  if (Array.isArray(value)) {
    for (const item of value) tokens += nodeTokens(item, left, depth + 1)
    return tokens
  }
  for (const key in value) tokens += 2 + key.length / 5 + nodeTokens(value[key] as Json, left, depth + 1)
  return tokens
}
