import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldOf, MAX_PARTS, parseForm, withField } from '../../worker/core/multipart.ts'

const TYPE = 'multipart/form-data; boundary=xyz'
const bytes = (text: string) => Uint8Array.from(text, char => char.charCodeAt(0))
const textOf = (form: Uint8Array) => String.fromCharCode(...form)
const part = (name: string, value: string, more = '') =>
  `--xyz\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
const END = '--xyz--\r\n'
const read = (text: string, type = TYPE) => {
  const form = parseForm(bytes(text), type)
  if (!form.ok) throw new Error(JSON.stringify(form.error))
  return form.value
}
const problem = (text: string, type = TYPE) => {
  const form = parseForm(bytes(text), type)
  return form.ok ? null : form.error.code === 'invalid_request' && form.error.message
}

describe('a form', () => {
  const form = read(part('model', 'auto') + part('file', 'bytes\r\n--xy\r\n', '; filename="a.mp3"') + END)

  it('tells fields from files, and a boundary from what only begins like one', () => {
    expect(form.parts.map(({ name, filename }) => [name, filename])).toEqual([
      ['model', null],
      ['file', 'a.mp3'],
    ])
    const file = form.parts[1]
    expect(textOf(form.bytes.subarray(file?.start, file?.end))).toBe('bytes\r\n--xy\r\n')
  })
  it('gives the text of a field, and none for a file or a field that is not there', () => {
    expect(fieldOf(form, 'model')).toBe('auto')
    expect(fieldOf(form, 'file')).toBeNull()
    expect(fieldOf(form, 'prompt')).toBeNull()
  })
  it('gives no text for bytes that are none', () => {
    expect(fieldOf(read(part('model', '\xff\xfe') + END), 'model')).toBeNull()
  })
  it('may have an empty field, and a preamble', () => {
    expect(fieldOf(read(`to be ignored\r\n${part('prompt', '')}${END}`), 'prompt')).toBe('')
  })
  it.each(['boundary=xyz', 'boundary="xyz"', 'charset=utf-8; Boundary=xyz'])('says its boundary as %s', parameters => {
    expect(read(part('a', 'b') + END, `multipart/form-data; ${parameters}`).parts).toHaveLength(1)
  })
})

describe('a form that cannot be read is refused with the reason', () => {
  it.each([
    ['no boundary in its type', part('a', 'b') + END, 'multipart/form-data', 'names no boundary'],
    ['another boundary', part('a', 'b') + END, 'multipart/form-data; boundary=abc', 'does not hold the boundary'],
    ['a boundary that is too long', part('a', 'b') + END, `multipart/form-data; boundary=${'x'.repeat(71)}`, 'names no boundary'],
    ['no end', part('a', 'b'), TYPE, 'ends in the middle'],
    ['a part without a name', `--xyz\r\ncontent-type: text/plain\r\n\r\nb\r\n${END}`, TYPE, 'has no name'],
    ['headers without an end', `--xyz\r\nx: ${'y'.repeat(10_000)}`, TYPE, 'do not end'],
    ['too many parts', part('a', 'b').repeat(MAX_PARTS + 1) + END, TYPE, `more than ${MAX_PARTS}`],
    ['nothing', '', TYPE, 'does not hold the boundary'],
  ])('%s', (_, text, type, why) => expect(problem(text, type)).toContain(why))
  it('but for the most parts there may be', () => expect(read(part('a', 'b').repeat(MAX_PARTS) + END).parts).toHaveLength(MAX_PARTS))
})

describe('replacing a field', () => {
  it('touches no other byte', () => {
    const file = part('file', '\x00\xff\r\n\r\n--x', '; filename="a"')
    const form = read(part('model', 'auto') + file + END)
    expect(textOf(withField(form, 'model', 'whisper-1'))).toBe(part('model', 'whisper-1') + file + END)
  })
  it('puts it in front where it is missing', () => {
    const form = read(part('prompt', 'x') + END)
    expect(textOf(withField(form, 'model', 'whisper-1'))).toBe(
      `--xyz\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n${part('prompt', 'x')}${END}`,
    )
  })
  it('does not take a file of that name for it', () => {
    const form = read(part('model', 'bytes', '; filename="m"') + END)
    expect(fieldOf(read(textOf(withField(form, 'model', 'whisper-1'))), 'model')).toBe('whisper-1')
  })
})

it('any bytes in a file come back as they were, and any body ends', async () => {
  await fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), content => {
      const text = textOf(content)
      fc.pre(!text.includes('\r\n--xyz'))
      const form = read(part('model', 'auto') + part('file', text, '; filename="f"') + END)
      const file = form.parts[1]
      expect([...form.bytes.subarray(file?.start, file?.end)]).toEqual([...content])
    }),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), content => parseForm(content, TYPE).ok !== undefined))
})
