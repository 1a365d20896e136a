import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePolicy } from '../../../worker/core/decide/rules.ts'
import { withNames } from '../../../worker/core/understand/name-features.ts'
import { WEIGHT_BITS } from '../../../worker/core/understand/name-signs.ts'
import { kindOf, nameHash, readNameTable } from '../../../worker/core/understand/name-table.ts'
import { WORDS_MAX } from '../../../worker/core/understand/name-words.ts'
import { findNames } from '../../../worker/core/understand/names.ts'
import { understand } from '../../../worker/core/understand/understand.ts'
import { chat } from '../decide/small-world.ts'

const file = readFileSync('policies/names.bin')
const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer
const table = readNameTable(bytes)

function namesIn(text: string): string[] {
  const found: string[] = []
  findNames(text, 0, text.length, { add: (_, from, to) => found.push(text.slice(from, to)) }, table)
  return found
}

describe('a name is found, in full and in its place', () => {
  it.each([
    ['English', 'My name is Ruth Montez.', ['Ruth Montez']],
    ['German', 'Ich heiße Jürgen Schneider.', ['Jürgen Schneider']],
    ['French', "Je m'appelle Claire Dubois et j'habite à Lyon.", ['Claire Dubois']],
    ['Spanish', 'Me llamo José García López.', ['José García López']],
    ['Portuguese', 'Meu nome é João Silva.', ['João Silva']],
    ['Italian', 'Mi chiamo Giulia Rossi.', ['Giulia Rossi']],
    ['Dutch', 'Ik heet Willem de Vries.', ['Willem de Vries']],
    ['Polish', 'Nazywam się Katarzyna Nowak.', ['Katarzyna Nowak']],
    ['Turkish', 'Benim adım Mehmet Yılmaz.', ['Mehmet Yılmaz']],
    ['Russian', 'Меня зовут Иван Петров.', ['Иван Петров']],
    ['Swedish', 'Jag heter Erik Johansson.', ['Erik Johansson']],
  ])('in %s', (_, text, names) => expect(namesIn(text)).toEqual(names))

  it.each([
    ['below a letter', 'Best regards,\nJohn Smith', ['John Smith']],
    ['above one', 'Hi Sarah, can you send me the file?', ['Sarah']],
    ['behind a title, without it', 'Sehr geehrte Frau Schmidt,', ['Schmidt']],
    ['behind a label', 'Contact: Priya Sharma', ['Priya Sharma']],
    ['of someone known', 'Angela Merkel was chancellor', ['Angela Merkel']],
    ['with an initial', 'My name is Ruth R. Montez.', ['Ruth R. Montez']],
    ['with an apostrophe', "Sinéad O'Connor sang", ["Sinéad O'Connor"]],
    ['with a second capital', 'Ronald McDonald called', ['Ronald McDonald']],
    ['with a hyphen', 'Marie-Claire Dupont est là', ['Marie-Claire Dupont']],
    ['again where a part of it stands alone', 'Write to Ann Lee. Ann said no.', ['Ann Lee', 'Ann']],
    ['that is a word as well, where a greeting stands before it', 'Dear Rose,', ['Rose']],
  ])('%s', (_, text, names) => expect(namesIn(text)).toEqual(names))
})

describe('in scripts without capitals a name is found where it is introduced, or has a title', () => {
  it.each([
    ['Chinese', '你好，我叫王小明，住在上海。', ['王小明']],
    ['Chinese, by a title', '请联系李女士和欧阳先生。', ['李', '欧阳']],
    ['Japanese', '私の名前は田中太郎です。', ['田中太郎']],
    ['Japanese, by an honorific', '佐々木さんと鈴木様に送って。', ['佐々木', '鈴木']],
    ['Korean', '제 이름은 김민수입니다. 박지영님께 보내 주세요.', ['김민수', '박지영']],
    ['Arabic', 'مرحبا، اسمي محمد. اتصل بالسيد', ['محمد']],
    ['Arabic, by a title', 'اتصل الدكتور يوسف أمس', ['يوسف']],
    ['Hebrew', 'שלום, שמי דנה כהן.', ['דנה כהן']],
    ['Hindi', 'मेरा नाम राहुल शर्मा है।', ['राहुल शर्मा']],
    ['beside Latin ones, in order', 'Ruth Montez met 田中さん and John Smith.', ['Ruth Montez', '田中', 'John Smith']],
  ])('%s', (_, text, names) => expect(namesIn(text)).toEqual(names))

  it.each([
    ['words that begin like a surname', '高兴见到你，我叫不出名字。田中间有一棵树。王国很大。'],
    ['customers and guests', 'お客様、皆さん、こんにちは。고객님, 선생님, 안녕하세요.'],
    ['days and dollars', '她周六教授舞蹈课。मुझे 200 डॉलर दो।'],
    ['offices', 'السيد الرئيس، سيدي'],
    ['a question for a name', '你的名字是什么？이름은 무엇입니까?'],
  ])('and %s are none', (_, text) => expect(namesIn(text)).toEqual([]))
})

describe('what is no name is none', () => {
  it.each([
    ['a month', 'The meeting is in May, not in April or August.'],
    ['words that are names as well', 'Will you mark it? A rose for hope and grace.'],
    ['cities', 'Paris, London and San Francisco; from Austin to Charlotte'],
    ['countries', 'Jordan borders Israel, and Chad borders Niger.'],
    ['companies', 'Apple and Google signed a deal with Siemens AG.'],
    ['the beginning of a sentence', 'Unfortunately, this fails. Please help. Summarize: Seventeen of them. Thanks.'],
    ['names in code', 'const userName = new FirstName(); class Order extends Model {}'],
    ['German nouns', 'Die Rechnung liegt auf dem Tisch. Der Fehler in der Datenbank liegt am Server.'],
    ['letters of choices', 'Which one?\nA. Appendix\nB. Gallbladder\nC. Spleen'],
    ['peoples and languages', 'The Irish team, African art and Ottoman sultans'],
    ['nobody in particular', 'Dear Sir or Madam,\nDear Customer,\nSehr geehrte Damen und Herren,'],
    ['nothing', ''],
  ])('%s', (_, text) => expect(namesIn(text)).toEqual([]))
})

describe('looking for names', () => {
  it('takes any text, and finds places that lie in it, apart and in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Ann', 'Lee', ' ', ' van ', '. ', "'s ", '\n', 'Mr ')), {
          maxLength: 40,
        }),
        parts => {
          const text = parts.join('')
          let done = 0
          findNames(
            text,
            0,
            text.length,
            {
              add(_, from, to) {
                expect(from).toBeGreaterThanOrEqual(done)
                expect(to).toBeGreaterThan(from)
                done = to
              },
            },
            table,
          )
          expect(done).toBeLessThanOrEqual(text.length)
        },
      ),
    )
  })
  it('goes on through a text of any length', () => {
    expect(namesIn(`${'word '.repeat(WORDS_MAX + 10)}My name is Ruth Montez.`)).toEqual(['Ruth Montez'])
  })
  it.each(['A. ', 'Ann ', 'a-A-', '-', '’A', 'Éa', '日本', "'"])('looks up in proportion to the text and no more: %j', piece => {
    const lookUps = (chars: number) => {
      let reads = 0
      const counted = <T extends object>(values: T) =>
        new Proxy(values, {
          get: (of, place) => {
            reads++
            return Reflect.get(of, place)
          },
        })
      const kept = {
        ...table,
        kinds: counted(table.kinds),
        prints: counted(table.prints),
        weights: counted(table.weights),
        likeness: counted(table.likeness),
      }
      const text = piece.repeat(chars / piece.length)
      findNames(text, 0, text.length, { add: () => {} }, kept)
      return reads
    }
    expect(lookUps(48_000)).toBeLessThanOrEqual(8.5 * lookUps(6_000) + 100)
  })
})

describe('the table of names', () => {
  it('is what its hash says', () => {
    const start = 8 + (new Uint32Array(bytes, 4, 1)[0] as number)
    expect(createHash('sha256').update(new Uint8Array(bytes, start)).digest('hex')).toBe(table.header.sha256)
  })
  it('has a weight for every sign, says where it is from, and stays small', () => {
    expect(table.weights.length).toBe(1 << WEIGHT_BITS)
    expect(table.header.made_from.join()).toContain('MIT')
    expect(bytes.byteLength).toBeLessThan(800_000)
  })
  it('knows a word that is in no list in fewer than one of 3,000 cases', () => {
    let known = 0
    for (let i = 0; i < 40_000; i++)
      if (kindOf(table, nameHash(`zq${i.toString(36).replace(/\d/g, 'x')}${'qj'.repeat(i % 7)}${String.fromCharCode(97 + (i % 26))}`)) > 0)
        known++
    expect(known / 40_000).toBeLessThan(1 / 3_000)
  })
  it('is not read from other bytes', () => expect(() => readNameTable(new ArrayBuffer(64))).toThrow('no table of names'))
})

describe('among the features', () => {
  const request = (text: string) => chat({ messages: [{ role: 'user', parts: [{ type: 'text', text }] }] })
  const seen = (text: string) => withNames(understand(request(text)), request(text), table).personal_data

  it('a name is personal data beside other types, in order', () => {
    expect(seen('My name is Ruth Montez, ruth@example.org, card 4111 1111 1111 1111')).toEqual(['card', 'email', 'name'])
  })
  it('nothing is added where there is none', () => expect(seen('What is the capital of France?')).toEqual([]))

  const reads = (more: object) => {
    const compiled = compilePolicy(JSON.stringify({ name: 'x', objective: { quality: 1 }, ...more }), 'v')
    return compiled.ok && compiled.value.reads_names
  }
  const rule = (when: string) => ({ rules: [{ name: 'r', when, do: { refuse: 'no' } }] })
  it.each([
    ['a rule counts what is found', rule('size(personal_data) > 0'), true],
    ['a rule names it', rule('"name" in personal_data'), true],
    ['a rule names it among others', rule('personal_data.exists(kind, kind in ["card", "name"])'), true],
    ['a rule names other types', rule('personal_data.exists(kind, kind in ["card", "iban"]) || "email" in personal_data'), false],
    ['all types are hidden', { redact: [{ to: ['*/*'] }] }, true],
    ['other types are hidden', { redact: [{ to: ['*/*'], types: ['email'] }] }, false],
    ['nothing is said of personal data', rule('task == "summary"'), false],
  ])('names are looked for, or not, where %s', (_, more, expected) => expect(reads(more)).toBe(expected))
})
