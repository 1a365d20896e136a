import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isIban, passesLuhn } from '../../../worker/core/understand/number-checks.ts'
import { findPersonalData } from '../../../worker/core/understand/personal-data.ts'

function typesIn(text: string): string[] {
  const found = new Set<string>()
  findPersonalData(text, 0, text.length, found)
  return [...found].sort()
}

describe('personal data is found', () => {
  it.each([
    ['email', 'write to jo.doe+x@mail.example.co.uk, please'],
    ['email', '<a@b.io>'],
    ['card', 'my card 4111 1111 1111 1111 expires 04/27'],
    ['card', 'pay with 5500-0000-0000-0004.'],
    ['card', '378282246310005'],
    ['iban', 'IBAN: DE89 3704 0044 0532 0130 00'],
    ['iban', 'GB82WEST12345698765432'],
    ['us_ssn', 'SSN 536-22-1234'],
    ['phone', '+49 170 1234567'],
    ['phone', 'call (415) 555-2671 now'],
    ['phone', '415-555-2671'],
    ['phone', '+41 (0)96 471 07 95'],
    ['phone', 'ring 01 84 17 61 18'],
    ['phone', 'my phone number is 467 3395'],
    ['phone', '259.735.7502x459'],
    ['phone', 'from abroad 001-204-821-0538'],
    ['phone', 'Reception (37) 788-063'],
    ['phone', 'Nobody is answering at 374 780 163'],
    ['phone', 'you can call 33 93 31'],
    ['phone', 'Fax: 9498777106'],
    ['phone', '9885 1152-Office'],
    ['phone', '电话：138 1234 5678'],
    ['card', 'my maestro card 630427373398 is lost'],
    ['card', 'JCB card 180016070420458'],
    ['iban', 'my iban is gb82west12345698765432'],
    ['iban', 'IBAN NL91ABNA0417164300 please'],
    ['ip', 'host 6e40:4041:c617:e898:c11:40d2:c669:2eb4'],
    ['ip', 'from 203.0.113.42 port 22'],
    ['secret', 'OPENAI_API_KEY=sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2'],
    ['secret', 'AKIAIOSFODNN7EXAMPL3 and AKIAIOSFOD4N7EXAMPL3'],
    ['secret', '-----BEGIN RSA PRIVATE KEY-----\nMIIE'],
    ['secret', 'token ghp_16C7e42F292c6912E7710c838347Ae178B4a'],
  ])('%s in %j', (type, text) => {
    expect(typesIn(text)).toEqual([type])
  })
})

describe('what only looks like it is not', () => {
  it.each([
    ['a handle', 'ask @jo about it, or user@localhost'],
    ['a package', 'npm i @types/node@24.10.1'],
    ['a card with one digit wrong', '4111 1111 1111 1112'],
    ['an IBAN with one digit wrong', 'DE89 3704 0044 0532 0130 01'],
    ['a number never given out', '666-12-3456 or 900-12-3456 or 123-00-4567'],
    ['an IBAN of another length than its country gives', 'DE8937040044053201300'],
    ['twelve digits that no word calls a card', 'order 630427373398'],
    ['years behind a bracket', '(12) 1998-2004'],
    ['a hotel in 30 words', 'hotel 467 3395, recall 467 3395'],
    ['a short date near a call', 'call me on 24.11.26'],
    ['a taxi to an address', 'call a taxi to unit 14 3684'],
    ['an order number', 'order 1234567890123456789012'],
    ['a date and a time', '2026-11-24 08:11:02, 24.11.2026'],
    ['a version', 'version 1.2.3.4 and 10.0.0.1 and 127.0.0.1'],
    ['a date near a call', 'call me on 2022-05-01, or in 2010-2012'],
    ['a sum', 'add 467 3395 to 1 000 000 and 12 500'],
    ['times', 'at 08:11:02, 10:20:30:40:50'],
    ['a table of figures', '1 200 300\n4 500 600\n12.5 13.75 14.25'],
    ['a UUID', '6f1c2b3a-1234-4cde-8f01-23456789abcd'],
    ['a hash', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['a library', 'pip install sk-learn-something-with-a-long-name'],
  ])('%s', (_, text) => {
    expect(typesIn(text)).toEqual([])
  })
})

describe('the checks behind them', () => {
  it('Luhn catches any one digit changed', () => {
    fc.assert(
      fc.property(fc.nat(15), fc.integer({ min: 1, max: 9 }), (place, by) => {
        const digits = [...'4111111111111111'].map(Number)
        digits[place] = ((digits[place] as number) + by) % 10
        expect(passesLuhn(digits.join(''))).toBe(false)
      }),
    )
  })
  it('mod 97 catches any two digits swapped', () => {
    expect(isIban('DE89370400440532013000')).toBe(true)
    expect(isIban('DE89370400440532010300')).toBe(false)
  })
  it('any text at all is read to its end', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => Array.isArray(typesIn(text))))
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'0123456789 -.()@+AZsk_') }), text => Array.isArray(typesIn(text))))
  })
})
