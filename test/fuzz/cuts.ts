/**
 * Streams that break off anywhere. Recorded and made-up answers in every format, cut at a random byte on their way to a caller of any
 * format, and taken up by a target of any format where that may be done. Two things must never happen: that a caller is told the end
 * of an answer that was cut, and that a letter is missing or comes twice behind a seam.
 */
import type { Dialect } from '../../worker/dialects/dialect.ts'
import { replyOf } from '../../worker/dialects/fold.ts'
import type { DialectName, StreamEvent } from '../../worker/schema/chat.ts'
import { type Relay, relay } from '../../worker/stream/relay.ts'
import { continuation, replay, shown } from '../../worker/stream/splice.ts'
import { sseParser } from '../../worker/stream/sse.ts'
import { codec, RECORDINGS, SPOKEN, type Spoken, wire } from '../conformance/replay.ts'

const FORMATS: DialectName[] = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'bedrock-converse', 'cohere-chat']
const WAYS = ['continue', 'restart', 'repeat'] as const
type Way = (typeof WAYS)[number]

/** Mulberry32: the same cuts for the same seed, on every machine. */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
type Chance = () => number
const among = <T>(list: readonly T[], chance: Chance): T => list[Math.floor(chance() * list.length)] as T

type Answer = { path: string; from: DialectName; bytes: Uint8Array; whole: string }

/** What an answer says, in no format and without what only one format has a word for. */
function meaning(events: StreamEvent[]): string {
  const { choices } = replyOf(events)
  return JSON.stringify(
    choices.map(({ index, finish, parts }) => ({
      index,
      finish,
      parts: parts.map(part => [
        part.type,
        'text' in part ? part.text : 'name' in part ? part.name : '',
        'arguments' in part ? part.arguments : '',
      ]),
    })),
  )
}

const RECORDED: Answer[] = RECORDINGS.filter(({ failed, spliced }) => !failed && !spliced).map(({ path, from, events, bytes }) => {
  const reader = codec(from).reply.reader()
  return { path, from, bytes, whole: meaning(events.flatMap(event => reader.read(event))) }
})

const WORDS = [
  'the',
  'train',
  ' ',
  ', ',
  '.\n',
  '- item\n',
  'Grüße',
  '漢字',
  '🚂',
  '👩‍👩‍👧',
  '"',
  '\\',
  '\t',
  '1',
  '  ',
  'e\u0301',
  'of the ',
  '</a>',
  '\n\n',
]

function madeUp(chance: Chance): Answer {
  const from = among(FORMATS, chance)
  const pieces = Array.from({ length: 2 + Math.floor(chance() * 60) }, () => among(WORDS, chance))
  const bytes = written(codec(from), pieces)
  const text = pieces.join('')
  return {
    path: `made up, ${pieces.length} pieces`,
    from,
    bytes,
    whole: JSON.stringify([{ index: 0, finish: 'stop', parts: [['text', text, '']] }]),
  }
}

/** An answer of plain text, a piece at a time. */
function written(dialect: Dialect, pieces: string[]): Uint8Array {
  const writer = dialect.reply.writer()
  const events: StreamEvent[] = [
    { type: 'start', id: 'made-up', model: 'm', created_at_s: 1 },
    ...pieces.filter(text => text !== '').map((text): StreamEvent => ({ type: 'text', choice: 0, text })),
    { type: 'finish', choice: 0, finish: 'stop', finish_raw: FINISH[dialect.name] },
    { type: 'end' },
  ]
  return wire(
    events.flatMap(event => writer.write(event)),
    dialect.name,
  )
}
const FINISH: Record<DialectName, string> = {
  'openai-chat': 'stop',
  'openai-responses': 'completed',
  'anthropic-messages': 'end_turn',
  gemini: 'STOP',
  'bedrock-converse': 'end_turn',
  'cohere-chat': 'COMPLETE',
}

function pieces(bytes: Uint8Array, chance: Chance): Uint8Array[] {
  const largest = among([3, 60, 700, 5_000], chance)
  const out: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(chance() * largest)
    out.push(bytes.subarray(at, at + size))
    at += size
  }
  return out
}

function run(flow: Relay, chunks: Uint8Array[]): Uint8Array[] {
  const sent: Uint8Array[] = []
  for (const chunk of chunks) {
    flow.push(chunk)
    sent.push(...flow.take())
  }
  flow.finish()
  sent.push(...flow.take())
  return sent
}

function heardBy(caller: Spoken, sent: Uint8Array[]): StreamEvent[] {
  const reader = codec(caller).reply.reader()
  const events: StreamEvent[] = []
  const parser = sseParser(event => events.push(...reader.read(event)))
  for (const bytes of sent) parser.push(bytes)
  parser.end()
  return events
}

/** The end as `stream/tap.ts` takes it. */
const isWhole = (flow: Relay) => flow.state === 'ended' || (flow.state === 'open' && flow.complete)

export type Cuts = {
  cuts: number
  /** The cut fell behind the reason to end: a whole answer. */
  whole: number
  /** Nothing had been said yet: another target answers, unseen. */
  unseen: number
  /** By what stood in the way: an error in band. */
  errors: Record<string, number>
  rescued: Record<Way, number>
  /** Of the cuts behind the first token: those of answers that are text and nothing else. */
  of_text: number
  /** Sixteen letters and more that come twice in a row for the first time, right at the seam: nobody can tell. */
  ambiguous: number
  failures: {
    kind: 'told as whole' | 'text' | 'ending'
    seed: number
    cut: number
    path: string
    from: string
    to: string
    detail: string
  }[]
}

export function cuts(count: number, seed: number): Cuts {
  const chance = chanceOf(seed)
  const done: Cuts = {
    cuts: 0,
    whole: 0,
    unseen: 0,
    errors: {},
    rescued: { continue: 0, restart: 0, repeat: 0 },
    of_text: 0,
    ambiguous: 0,
    failures: [],
  }
  for (; done.cuts < count; done.cuts++) {
    const answer = chance() < 0.5 ? among(RECORDED, chance) : madeUp(chance)
    const to = among(SPOKEN, chance)
    cutOnce(answer, to, done, chance, (kind, detail) =>
      done.failures.push({ kind, seed, cut: done.cuts, path: answer.path, from: answer.from, to, detail: detail.slice(0, 400) }),
    )
  }
  return done
}

type Fail = (kind: Cuts['failures'][number]['kind'], detail: string) => void

function cutOnce({ from, bytes, whole }: Answer, to: Spoken, done: Cuts, chance: Chance, fail: Fail): void {
  const naming = { id: 'made-up', renames: false, model: 'm', created_at_s: 1 }
  const cut = bytes.subarray(0, Math.floor(chance() * (bytes.length + 1)))
  const flow = relay({
    from: codec(from),
    to: codec(to),
    drop_usage: false,
    choices: 1,
    keeps_chars: 100_000,
    ...(from !== to && { naming }),
  })
  const sent = run(flow, pieces(cut, chance))
  const heard = heardBy(to, sent)
  if (isWhole(flow)) {
    done.whole++
    // What a caller's format has no word for is lost on the way, whole or cut: so it is measured against the whole on the same way.
    const uncut = relay({ from: codec(from), to: codec(to), drop_usage: false, choices: 1, ...(from !== to && { naming }) })
    const expected = from === to ? whole : meaning(heardBy(to, run(uncut, [bytes])))
    if (meaning(heard) !== expected) fail('told as whole', `${meaning(heard)} of ${expected}`)
    return
  }
  if (heard.some(({ type }) => type === 'finish' || type === 'end')) fail('told as whole', 'an end behind an answer that was cut')
  if (!flow.seen.content) {
    done.unseen++
    return
  }
  const told = flow.told()
  const parts = (JSON.parse(whole) as { parts: [string, string][] }[])[0]?.parts ?? []
  const text = parts.length === 1 && parts[0]?.[0] === 'text' ? parts[0][1] : null
  if (text !== null) done.of_text++
  const obstacle = told?.obstacle ?? (told?.text === '' ? 'nothing said' : text === null ? 'more than text' : null)
  if (told === null || obstacle !== null || text === null) {
    done.errors[obstacle ?? 'none kept'] = (done.errors[obstacle ?? 'none kept'] ?? 0) + 1
    return
  }
  const said = textIn(heard)
  if (told.text !== said) fail('text', `kept "${told.text}", sent "${said}"`)
  const beginning = shown(said)
  const way = beginning.length < 16 ? among(['continue', 'restart'] as const, chance) : among(WAYS, chance)
  const rest = text.slice(beginning.length)
  if (way !== 'restart' && doubles(beginning, rest)) {
    done.ambiguous++
    return
  }
  const again = way === 'repeat' ? beginning.slice(-(16 + Math.floor(chance() * 184))) : ''
  if (way === 'repeat' && beginning.endsWith(again + again)) {
    done.ambiguous++
    return
  }
  const second = codec(among(FORMATS, chance))
  const units = [...(way === 'restart' ? text : again + rest)]
  const chunked: string[] = []
  while (units.length > 0) chunked.push(units.splice(0, 1 + Math.floor(chance() * 8)).join(''))
  const taken = relay({
    from: second,
    to: codec(to),
    drop_usage: false,
    choices: 1,
    resumes: {
      told,
      seam: way === 'restart' ? replay(said) : continuation(said),
      usage: null,
      note: { signalbox: { rescued: { by: way } } },
    },
  })
  const all = heardBy(to, [...sent, ...run(taken, pieces(written(second, chunked), chance))])
  done.rescued[way]++
  if (!isWhole(taken)) fail('ending', `${way} at ${second.name} ended as ${taken.state}`)
  if (textIn(all) !== text) fail('text', `${way} at ${second.name}: "${textIn(all)}" instead of "${text}", cut behind "${said}"`)
  const ends = all.filter(({ type }) => type === 'end').length
  const finishes = all.filter(({ type }) => type === 'finish').length
  if (ends !== 1 || finishes !== 1) fail('ending', `${way} at ${second.name}: ${ends} ends, ${finishes} reasons`)
}

const textIn = (events: StreamEvent[]) => events.map(event => (event.type === 'text' ? event.text : '')).join('')

function doubles(beginning: string, rest: string): boolean {
  if (beginning.length >= 16 && rest.startsWith(beginning)) return true
  for (let length = 16; length <= Math.min(200, beginning.length, rest.length); length++) {
    const again = rest.slice(0, length)
    if (beginning.endsWith(again) && !beginning.endsWith(again + again)) return true
  }
  return false
}
