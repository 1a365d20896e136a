import { describe, expect, it } from 'vitest'
import { findPersonalData } from '../../../worker/core/understand/personal-data.ts'

function findsIn(text: string): string[] {
  const found: string[] = []
  findPersonalData(text, 0, text.length, {
    every: true,
    has: () => false,
    add: (type, from, to) => void found.push(`${type}: ${text.slice(from, to)}`),
  })
  return found
}

describe('an address is found by its street, flat, box or state', () => {
  it.each([
    ['Ship it to 12 Oak Road, please', '12 Oak Road'],
    ['221B Baker Street is famous', '221B Baker Street'],
    ['he moved to 4 North Elm Avenue.', '4 North Elm Avenue'],
    ['Ich wohne Birkenweg 4 in Köln', 'Birkenweg 4'],
    ['Feldstrasse 42\nWien', 'Feldstrasse 42'],
    ['8 bis, avenue de Provence', '8 bis, avenue de Provence'],
    ['au 8bis rue Hoche', '8bis rue Hoche'],
    ['au 3 quai Éluard', '3 quai Éluard'],
    ['mieszka przy ul. Narewska 94', 'ul. Narewska 94'],
    ['Rua João Pessoa 1636', 'Rua João Pessoa 1636'],
    ['Apt. 322, ring twice', 'Apt. 322'],
    ['write to P.O. Box 104', 'P.O. Box 104'],
    ['Colorado Springs, CO 70079', 'CO 70079'],
    ['USS Sörös\nFPO AE 18956', 'FPO AE 18956'],
    ['my zip code is 3910', '3910'],
    ['she lives at 7 Rowan in York', '7 Rowan'],
    ['she lives at 7b, Élan in York', '7b, Élan'],
  ])('%j', (text, address) => {
    expect(findsIn(text)).toEqual([`address: ${address}`])
  })
})

describe('a number beside a capital letter is no address', () => {
  it.each([
    'the 1929 Wall Street crash',
    'In 1954 Oak Street was closed',
    'the 1954 Supreme Court ruled',
    'a 2 TB Hard Drive and 3 Main courses',
    'Bach wrote Suite 3, see Unit 5 and Chapter 12 Road safety rules',
    'Brigade 101 met on Friday 12 June',
    'x OR 12345 AND y',
    'lives at 5 PM, so to speak',
    'of 10 Street lamps',
    'zip code is 12',
  ])('%j', text => {
    expect(findsIn(text)).toEqual([])
  })
})

describe('a date is one of birth where a word says so', () => {
  it.each([
    ['She was born on 2/8/1935.', '2/8/1935'],
    ['DOB: 1990-01-02', '1990-01-02'],
    ['geboren am 3. Mai 1980', '3. Mai 1980'],
    ['née le 14 mars 1975 à Lyon', '14 mars 1975'],
    ['date of birth is May 3, 1990', 'May 3, 1990'],
    ['出生日期：1990年1月2日', '1990年1月2日'],
  ])('%j', (text, date) => {
    expect(findsIn(text)).toEqual([`birth_date: ${date}`])
  })
  it.each(['The meeting is on 2/8/2035', 'due 1990-01-02', 'born in 1980', 'born on 2/8', 'Mozart, born 27 January 1756'])(
    'not in %j',
    text => {
      expect(findsIn(text)).toEqual([])
    },
  )
})

describe('a password is one where it is told as such', () => {
  it.each([
    ['my password is Hunter2024!', 'Hunter2024'],
    ['Passwort: s3hr-geheim', 's3hr-geheim'],
    ['pwd="x9-Tq77"', 'x9-Tq77'],
    ['{"password": "tr0ub4dor"}', 'tr0ub4dor'],
  ])('%j', (text, value) => {
    expect(findsIn(text)).toEqual([`secret: ${value}`])
  })
  it.each([
    'password must be 8 characters long',
    'password: string',
    'password=$DB_PASSWORD_1',
    'password: ********1',
    'Password: required-field',
    'set the password to something strong',
    'forwarded 12345678',
    'cwd=/home/a1',
  ])('not in %j', text => {
    expect(findsIn(text)).toEqual([])
  })
})

it('long rows of what might be one take no longer than their length', () => {
  for (const unit of ['1 A ', 'Aaa 1 ', 'password ', 'born on May ', 'Rua A B C 1 ', '12 Aa Bb Cc ']) {
    const text = unit.repeat(20_000 / unit.length)
    const began = performance.now()
    findsIn(text)
    expect(performance.now() - began).toBeLessThan(2_000)
  }
})
