/**
 * Sentences of our own in ten languages, in which names of people are marked, to train the tagger of names beside the English of the shared
 * set: `{n}` a whole name, `{g}` a given name, `{s}` a surname, filled from the lists; `{G}` and `{S}` are such words where they name no person. What has no mark has no name in it.
 */
const SENTENCES = `
My name is {n} and I live in Chicago. | I'm {n}, a nurse from Leeds. | Dear {g},\\nThank you for your letter. | Dear Mr. {s}, please find attached the invoice. | Dear Dr. {n},
Best regards,\\n{n} | Kind regards,\\n{g} | Sincerely,\\n{n}\\nHead of Sales | Hi {g}, can you send me the file? | Thanks,\\n{g} | Write an email to {n} about the delay. | Write a letter to my landlord, {n}.
Please contact {n} at the front desk. | Summarise the complaint of {n} from Monday. | {n} has not paid since March. | Patient: {n}, born 4 May 1971 | Name: {n}\\nAge: 44 | Customer: {n} | Contact: {n}
My colleague {g} is late again. | My wife {g} and I went to Rome. | My son {g} has a fever. | Ask {g} whether {g} is free. | Prof. {s} said the exam moved. | Mrs. {s} lives next door.
{g} has 12 apples and gives 4 to {g}. | {g} bought three books for $5 each. How much did {g} pay? | {n}'s car is red. | The painting was made by {n}. | Who was {n}? | Explain the work of {n}. | A novel by {n} won the prize.
Mein Name ist {n}. | Ich heiße {n} und wohne in Köln. | Sehr geehrte Frau {s},\\nvielen Dank für Ihre Nachricht. | Sehr geehrter Herr Dr. {s}, | Liebe {g}, | Mit freundlichen Grüßen\\n{n} | Viele Grüße\\n{g}
Schreib eine Mail an {n} wegen der Rechnung. | Meine Kollegin {n} ist krank. | Herr {s} hat die Wohnung gekündigt. | Die Patientin {n} klagt über Schmerzen. | Der Vertrag mit {n} läuft im Mai aus.
Je m'appelle {n} et j'habite à Lyon. | Bonjour Madame {s}, | Chère {g}, | Cordialement,\\n{n} | Mon nom est {n}. | M. {s} a appelé ce matin. | Écris une lettre à {n} pour le remercier. | Mon ami {g} arrive demain.
Me llamo {n} y vivo en Sevilla. | Hola {g}, ¿cómo estás? | Estimado Sr. {s}: | Estimada Sra. {s}, | Un saludo,\\n{n} | Mi nombre es {n}. | Escribe un correo a {n} sobre el contrato. | Mi hermana {g} trabaja en Madrid.
Meu nome é {n} e moro em Lisboa. | Olá {g}, tudo bem? | Prezado Sr. {s}, | Eu me chamo {n}. | Atenciosamente,\\n{n} | Escreva um e-mail para {n} sobre a reunião. | Minha filha {g} tem febre.
Mi chiamo {n} e vivo a Torino. | Gentile Sig.ra {s}, | Caro {g}, | Cordiali saluti,\\n{n} | Il mio nome è {n}. | Scrivi una mail a {n} per la fattura. | Il dottor {s} ha detto di no.
Mijn naam is {n}. | Ik heet {n} en woon in Utrecht. | Beste {g}, | Geachte mevrouw {s}, | Met vriendelijke groet,\\n{n} | Schrijf een brief aan {n}. | Meneer {s} belde vandaag.
Nazywam się {n}. | Mam na imię {g}. | Szanowny Panie {s}, | Pozdrawiam,\\n{n} | Pan {s} dzwonił wczoraj. | Napisz list do {n}.
Benim adım {n}. | Merhaba {g}, nasılsın? | Sayın {n}, | Saygılarımla,\\n{n} | {g} Bey dün aradı.
Меня зовут {n}. | Уважаемый {n}! | С уважением,\\n{n} | Дорогая {g}, | Господин {s} звонил вчера. | Напиши письмо {n}.
The meeting is in May. | See you on Monday in Paris. | Will you come? Mark the date. | Rose petals are red. | The Amazon River is long. | Apple and Google signed a deal with Morgan Stanley. | Jordan borders Israel and Syria.
Thank you! Please help. Write a poem. | Explain Newton's method and the Gauss theorem. | Translate into German: Good Morning America. | New York, Los Angeles and San Francisco | How far is Washington from Virginia? | Use Python, Ruby or Julia.
The Harry Hines Boulevard is closed. | Send it to Deutsche Bank AG in Frankfurt am Main. | The Johnson Corporation and Baker Institute merged. | Charlotte is a city in North Carolina. | The Victoria Line stops at King's Cross.
class UserName extends Model { FirstName: String } | import React from 'react' | const Alice = new Person() | SELECT Name FROM Customers WHERE City = 'Austin' | public static void Main(String[] args)
Question: Which of the following is true? Answer: Option A | True or False | Step One: Read. Step Two: Write. | The Treaty of Versailles ended World War I. | Chapter Three: The Spanish Civil War | Dear Sir or Madam, | Dear Customer, | Dear Hiring Manager,
Die Rechnung liegt auf dem Tisch. | Bitte fasse den Vertrag über die Wohnung zusammen. | Der Bundestag und die Regierung in Berlin | Wie funktioniert die Steuererklärung in Österreich? | Schreibe ein Gedicht über Herbst, Regen und Sehnsucht. | Sehr geehrte Damen und Herren, | Der Fehler in der Datenbank liegt am Server.
Quelle est la capitale de la France ? | Écris un poème sur la Bretagne en Mai. | Madame, Monsieur, | Le Tour de France passe par Nice. | ¿Cuál es la capital de Colombia? | Traduce al español: Good night. | Estimados señores: | Os Lusíadas é um poema. | São Paulo e Rio de Janeiro | Scrivi una poesia su Firenze e Venezia.
Amsterdam ligt in Noord-Holland. | Warszawa leży nad Wisłą. | İstanbul ve Ankara büyük şehirlerdir. | Москва и Санкт-Петербург находятся в России. | Напиши стихотворение про осень. | Что такое Большой взрыв?
I am Happy to Help. | I'm American. | This is Great News. | I am Senior Engineer at Siemens. | The Queen of England met the Prime Minister. | By March, Ford and Chase had closed. | With Love from Santa Monica | Chase Bank called. | The Wells Fargo account is closed. | Lincoln Memorial, Jefferson Avenue 5 | 12 Franklin Street, Austin, TX
{g}, {g}, {g} and {g} sit at a round table. | There are five children: {g}, {g}, {g}, {g} and {g}. | {g} and {g} share a flat. | Between {g} and {g}, who is taller? | {g} is taller than {g}, but {g} is the tallest. | Why does {g} laugh? | When did {g} leave?
How old is {g} now? | What does {g} want? | Is {g} right? | {g} is very tired. | {g} was late, and so was {g}. | {g} has been unwell for days. | I saw {g} yesterday. | We met {g} at the station. | Tell {g} that I am sorry. | This is {g}. | This is {n} speaking. | Here is {g}'s plan. | That is {g}'s bag.
{g}: How are you?\n{g}: Fine, thanks. | "Come here," said {g}. | "No," {g} replied. | "I do not know," says {s}. | According to {s}, prices will rise. | {s} began to paint at nine. | {s} grew up in Ohio and studied law. | The film was directed by {n} and stars {n}. | In the book by {s}, the hero dies.
The early {s} was braver than the late {s}. | {s} and {s} wrote the paper. | The founders, {s}, {s} and {s}, met at school. | Please add {n} to the list. | I want to remove {g} from my plan. | Last name: {s}\nFirst name: {g} | Her maiden name was {s}. | What is your name? {n} | What is your surname? {s}
{g} shouted at {g}. | {g} gave {g} a book. | {g} works for Siemens. | {g} is from Denmark. | {g} lives in Bristol. | Yesterday {g} called me. | Then {g} said nothing. | But {g} did not come. | If {g} agrees, we go. | because {g} is ill | Good night, {g}! | Come on, {g}! | Well done, {g}. | so {g} and I left
{n}\n12 High Street\nLeeds | {n}\nSenior Accountant\nAcme Ltd\nPhone: 555 123 | > {n}\n> Sales | {n}, the manager, said: "No." | CEO {n} resigned. | Police arrested {n} on Friday. | {n} of Acme is the speaker. | the {n} interview | {g} {s} Jr. won. | {g} A. {s} won. | a letter from {g} A. {s} to {n}
{S} Inc opened an office. | {S} and {S} is a law firm. | {S}, {S} and {S} is an agency in Austin. | I work at {S} Ltd. | {S}, {S} and {S} Corporation | {S}-{S} is a company. | {S} Group announced results. | 12 {S} Street | 5 {G} Road, Apt. 4 | The {S} Institute | {S} University | Shares of {S}, {S} and {S} fell.
Port {G} is a harbour. | The {S} Bridge is open. | Lake {S} | {S} County, Texas | Mount {S} | the corner of {S} and 5th | {S} & {S} LLP | We bought from {S} and Sons. | the town of {S} in Ohio | The train to {S} is late. | I live in {S}. | The {S} theorem | {S} Technologies and Acme Labs | Fort {S}, Saint {G}
Unfortunately, this is wrong. | Cautionary Notes for Beginners | Avenue {S} 12 | Rue {S} 4, Lyon | Calle {S} 9 | {S}straße 4, Bonn | Via {S} 3, Roma | The Great War and the Cold War | Senior Manager and Vice President | Dear Team, | Dear All, | I'm sorry. | I've seen it. | Let's go. | The Duke arrived at Windsor.
`
  .split(/\n| \| /)
  .filter(line => line.trim() !== '')
  .map(line => line.replaceAll('\\n', '\n'))

export type Marked = { text: string; spans: { start: number; end: number }[] }

/** Each sentence `times` over, those without a name as often; `pick` chooses from a list. */
export function ownExamples(
  given: readonly string[],
  surname: readonly string[],
  times: number,
  pick: (count: number) => number,
): Marked[] {
  const cyrillic = { g: given.filter(isCyrillic), s: surname.filter(isCyrillic) }
  const latin = { g: given.filter(isLatin), s: surname.filter(isLatin) }
  const one = (list: readonly string[]) => list[pick(list.length)] as string
  const out: Marked[] = []
  for (const sentence of SENTENCES) {
    const lists = isCyrillic(sentence) ? cyrillic : latin
    const fill = { g: () => one(lists.g), s: () => one(lists.s) }
    for (let turn = 0; turn < times; turn++) {
      let text = ''
      const spans: Marked['spans'] = []
      for (const piece of sentence.split(/(\{[gnsGS]\})/)) {
        const name = piece === '{n}' ? `${fill.g()} ${fill.s()}` : piece === '{g}' ? fill.g() : piece === '{s}' ? fill.s() : null
        const other = piece === '{G}' ? fill.g() : piece === '{S}' ? fill.s() : null
        if (name !== null) spans.push({ start: text.length, end: text.length + name.length })
        text += name ?? other ?? piece
      }
      out.push({ text, spans })
    }
  }
  return out
}

const isCyrillic = (text: string) => /\p{Script=Cyrillic}/u.test(text)
const isLatin = (text: string) => /^[\u0041-\u024f]+$/u.test(text)
