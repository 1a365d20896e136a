/**
 * Canaries: secrets that are planted so that they can be recognised, and the search for them. Every secret of the tests holds the same
 * mark, so one search finds whichever came out, in any form that it could have come out in.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** In nothing but secrets. */
export const MARK = 'Kw7qCANARYx3Zp'
/** A secret, with what it is in its name. */
export const canary = (name: string, prefix = ''): string => `${prefix}${MARK}-${name}-${'s3cr3t'.repeat(4)}`

/** How a text may lie in bytes: as it is, as UTF-16, hex, base64 from any of three places, percent-encoded, backwards. */
export function formsOf(text: string): Map<string, Buffer> {
  const forms = new Map<string, Buffer>()
  const put = (name: string, bytes: string | Buffer) => forms.set(name, Buffer.from(bytes as string))
  put('plain', text)
  put('UTF-16', Buffer.from(text, 'utf16le'))
  put('hex', Buffer.from(text).toString('hex'))
  put('HEX', Buffer.from(text).toString('hex').toUpperCase())
  put('percent-encoded', [...Buffer.from(text)].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join(''))
  put('backwards', [...text].reverse().join(''))
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.from(`${'\0'.repeat(shift)}${text}`).toString('base64')
    // The first and last characters depend on what stands beside it.
    put(`base64 from ${shift}`, encoded.slice(shift === 0 ? 0 : shift + 1, Math.floor(((text.length + shift) * 4) / 3) - 1))
  }
  return forms
}

/** Each place where it was found, and in which form. */
export function findIn(places: Map<string, string | Buffer>, text = MARK): string[] {
  const forms = formsOf(text)
  const found: string[] = []
  for (const [place, content] of places) {
    const bytes = Buffer.from(content as string)
    for (const [form, wanted] of forms) if (bytes.includes(wanted)) found.push(`${place} (${form})`)
  }
  return found
}

/** Every file under a folder, by its path within it, but for those that `skip` names. */
export function filesUnder(folder: string, skip: RegExp): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (skip.test(path) || !statSync(join(folder, path)).isFile()) continue
    files.set(path, readFileSync(join(folder, path)))
  }
  return files
}

/** What an operator keeps on its own disk: the secrets that the router is given, and the keys that were shown once. */
export const OPERATORS_OWN = /^(vars|dev-key-|dev-admin-key-|value$|seed\.json$)/
