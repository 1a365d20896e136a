/** The search for canaries finds one in every form that it could take: a search that finds nothing has to be able to find something. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { canary, filesUnder, findIn, MARK } from './canary.ts'

const secret = canary('test', 'sk-')
const noise = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 7919) % 251))

describe('a canary is found', () => {
  it.each<[string, string | Buffer]>([
    ['as it is', secret],
    ['within JSON', JSON.stringify({ a: [`x ${secret} y`] })],
    ['within JSON within JSON', JSON.stringify(JSON.stringify({ a: secret }))],
    ['in an address', `https://x.example/?key=${encodeURIComponent(secret)}`],
    ['in UTF-16', Buffer.from(`é${secret}`, 'utf16le')],
    ['as hex', Buffer.from(`key ${secret}`).toString('hex')],
    ['percent-encoded whole', [...Buffer.from(secret)].map(byte => `%${byte.toString(16)}`).join('')],
    ['backwards', [...secret].reverse().join('')],
    ...[0, 1, 2, 3].map(
      shift => [`in base64 behind ${shift} bytes`, Buffer.from(`${'x'.repeat(shift)}${secret}`).toString('base64')] as [string, string],
    ),
    ['in base64 for addresses', Buffer.from(`x${secret}`).toString('base64url')],
    ['among bytes of a database', Buffer.concat([noise(5_000), Buffer.from(secret), noise(5_000)])],
  ])('%s', (_, content) => expect(findIn(new Map([['here', content]]))).toEqual([expect.stringContaining('here')]))
})

describe('nothing is found', () => {
  it('where there is none', () =>
    expect(
      findIn(
        new Map<string, string | Buffer>([
          ['here', noise(100_000)],
          ['there', 'key-'.repeat(100)],
        ]),
      ),
    ).toEqual([]))
  it('in half of one, which is no secret any more; and what is compressed has to be unpacked first', () => {
    expect(findIn(new Map([['here', MARK.slice(0, 7)]]))).toEqual([])
    expect(findIn(new Map([['here', deflateSync(noise(100))]]))).toEqual([])
  })
})

describe('a folder', () => {
  it('is searched in all its files, but for those that are left out', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-canary-'))
    writeFileSync(join(folder, 'vars'), secret)
    writeFileSync(join(folder, 'rows.sqlite'), Buffer.concat([noise(100), Buffer.from(secret)]))
    expect(findIn(filesUnder(folder, /^vars$/))).toEqual(['rows.sqlite (plain)'])
    rmSync(folder, { recursive: true })
  })
})
