/**
 * `signalbox usage export`: everything there is, page by page into a file. After each page its place is written beside the file, so that a
 * long export which breaks off goes on with `--resume` where it was.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { API_ARGS, answer, apiOf } from './api.ts'
import { ending, Stop } from './ending.ts'

/** Where each is, and how much of it at once. */
const WHAT = {
  rows: { path: '/usage/rows', limit: 1_000 },
  days: { path: '/usage/daily', limit: 1_000 },
  decisions: { path: '/decision-pages', limit: 20 },
} as const

/** Where an export stands: what it asks for, the next page, and how long the file is up to there. */
type Place = { what: string; format: string; from: string; to: string; org: string; cursor: string; bytes: number }

export const exportUsage = defineCommand({
  meta: { name: 'export', description: 'Everything there is, into a file: one row a request, what each day cost, or the decisions.' },
  args: {
    to_file: { type: 'positional', required: true, description: 'The file to write' },
    what: {
      type: 'string',
      description:
        'rows (a request each), days (what each day cost; kept when rows are gone) or decisions (why, in pages as they are stored)',
      default: 'rows',
    },
    format: { type: 'string', description: 'jsonl or csv', default: 'jsonl' },
    from: { type: 'string', description: 'From this day on, UTC (default: the first)', default: '1970-01-01' },
    to: { type: 'string', description: 'Up to, and without, this day (default: tomorrow)' },
    org: { type: 'string', description: 'Only this organisation' },
    resume: { type: 'boolean', description: 'Go on with an export that broke off' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const { what, format, to_file: file } = args
      if (!isKnown(what)) throw new Stop(`--what is one of ${Object.keys(WHAT).join(', ')}`)
      if (format !== 'csv' && format !== 'jsonl') throw new Stop('--format is csv or jsonl')
      if (what === 'decisions' && format === 'csv') throw new Stop('decisions are no table: --format jsonl')
      const place_file = `${file}.place`
      const asked = { what, format, from: args.from, to: args.to ?? tomorrow(), org: args.org ?? '' }
      const place = args.resume ? placeIn(place_file, file, asked) : null
      const api = apiOf(args)
      if (!place && existsSync(file)) throw new Stop(`${file} is there already; take it away, or go on with --resume`)
      const { from, to, org } = place ?? asked
      let cursor = place?.cursor
      let bytes = place?.bytes ?? 0
      let pages = 0
      do {
        const query = { from, to, ...(org && { org }), format, limit: WHAT[what].limit, cursor }
        const response = await answer(api, 'GET', WHAT[what].path, { query })
        const text = await response.text()
        // One header for the whole file.
        const page = format === 'csv' && bytes > 0 ? text.slice(text.indexOf('\r\n') + 2) : text
        if (bytes === 0) begun(file)
        appendFileSync(file, page)
        bytes += Buffer.byteLength(page)
        cursor = response.headers.get('x-signalbox-cursor') ?? undefined
        if (cursor !== undefined) writeFileSync(place_file, JSON.stringify({ ...asked, from, to, org, cursor, bytes } satisfies Place))
        pages++
        if (process.stderr.isTTY) process.stderr.write(`\r${pages} pages ...`)
      } while (cursor !== undefined)
      rmSync(place_file, { force: true })
      process.stdout.write(`${args.json ? JSON.stringify({ file, bytes, pages }) : `${file}: ${bytes} bytes in ${pages} pages`}\n`)
      return true
    }),
})

/** Only now, so that a command that got no answer leaves no file behind. */
function begun(file: string): void {
  try {
    writeFileSync(file, '')
  } catch (error) {
    throw new Stop(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
}

const isKnown = (what: string): what is keyof typeof WHAT => Object.hasOwn(WHAT, what)
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)

/** What came after the last whole page is cut off again. */
function placeIn(place_file: string, file: string, asked: Omit<Place, 'cursor' | 'bytes'>): Place {
  if (!existsSync(place_file) || !existsSync(file)) throw new Stop(`there is no ${place_file}: nothing broke off here`)
  const place = JSON.parse(readFileSync(place_file, 'utf8')) as Place
  if (place.what !== asked.what || place.format !== asked.format || place.org !== asked.org)
    throw new Stop(`${file} was begun with --what ${place.what} --format ${place.format}${place.org ? ` --org ${place.org}` : ''}`)
  truncateSync(file, place.bytes)
  return place
}
