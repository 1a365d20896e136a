/**
 * A text as a row of words, each as what matters of it where names are told: its kind in the lists, how it is written, or the part it plays
 * beside a name ("Dear", "Mrs", "said", "in"). Words that play a part are listed here, in ten languages or so; all else is in the table.
 */
import {
  CAPITAL,
  endingHash,
  HASH_START,
  hashEnd,
  hashStep,
  KINDS,
  kindOf,
  LETTERS_END,
  letterFolds,
  type NameTable,
  nameHash,
} from './name-table.ts'

/** Roles that are told from the lists below, and marks. */
const ROLES = [
  'edge',
  'line',
  'stop',
  'comma',
  'colon',
  'quote',
  'mark',
  'number',
  'lower',
  'lower_s',
  'lower_ed',
  'code',
  'genitive',
] as const
const PARTS: Record<string, string> = {
  title:
    'mr mrs ms miss mx dr prof professor sir madam herr herrn frau fräulein monsieur madame mademoiselle mme mlle m señor señora señorita sr sra srta don doña dona senhor senhora signor signora signorina sig dott dottor dottoressa pan pani panie mevrouw meneer dhr mevr bay bayan господин госпожа doctor doktor president captain judge senator king queen prince princess saint uncle aunt aunty onkel tante oncle tía tío dra drs ing',
  intro:
    "name names named called call calls nenne heiße heisse heißt appelle nomme nombre llamo llama llamado nome chamo chama chiamo chiama heet naam имя зовут imię nazywam nazywa adım adı ismim i'm signed heter navn namn hedder nimeni jmenuji",
  place:
    'in at from to near into toward towards through across around en à dans aus nach bei au aux desde em no na nel nella da dalla w z do в из на naar uit near visit visiting capital city',
  say: 'said says say asked asks told tells wrote writes replied answered shouts shouted thinks thought shouted added explained sagte sagt fragt dit demande dijo dice disse diz zei powiedział сказал сказала dedi bought buys sold sells gave gives ate eats went goes wants wanted needs loves likes works lives lived born met married earns runs walked drove makes made',
  be: 'is was are were has had will would can could does did ist war hat est était es fue era é foi è ha jest był был была',
  people:
    'african american european asian irish english scottish welsh british french german italian spanish portuguese dutch polish russian turkish greek swedish norwegian danish finnish chinese japanese korean indian arab arabic persian hebrew latin hindu muslim islamic jewish buddhist catholic protestant ottoman roman byzantine elizabethan victorian mexican brazilian canadian australian hindi easter christmas thanksgiving rome venus mars jupiter saturn mercury earth god bible quran',
  region: 'san santa são saint st los las new north south east west port fort mount lake cape great united republic sankt bad',
  article:
    'the a an this that these those der die das den dem des ein eine einen einem le la les un une el los las una lo il gli i o os as um uma het een my your his her our their its every each no any some mein meine mon ma mi meu',
  pronoun: 'he she they we you it who whom i ich er sie wir il elle nous vous yo él ella eu ele io lui ik hij zij ja on ona я он она ben',
  and: 'and & or y e und et en i и ve oder ou o',
  particle: 'van von der den de del della di da dos das du le la bin ibn ben al el ter ten zu af av mac',
  kin: 'wife husband son daughter friend brother sister mother father kid child boss colleague neighbour neighbor manager cousin grandfather grandmother boyfriend girlfriend partner patient client customer student teacher mum mom dad frau mann sohn tochter freund freundin bruder schwester mutter vater kollege kollegin chef patientin kunde kundin femme mari fils fille ami amie frère sœur mère père collègue esposa esposo marido hijo hija amigo amiga hermano hermana madre padre jefe filho filha irmão irmã mãe pai moglie marito figlio figlia fratello sorella amico amica żona mąż syn córka brat siostra жена муж сын дочь друг брат сестра vriend vriendin broer zus moeder zoon dochter',
  greeting:
    'dear hi hello hey hallo bonjour salut cher chère hola querido querida estimado estimada olá caro cara prezado ciao buongiorno gentile lieber liebe geehrter geehrte sehr beste geachte merhaba sayın drogi droga cześć дорогой дорогая уважаемый уважаемая привет здравствуйте thanks thank danke merci gracias obrigado grazie bedankt dzięki спасибо cc',
  regards:
    'regards sincerely cheers yours love best wishes grüße grüßen gruß cordialement amicalement saludos atentamente atenciosamente abraços saluti cordiali groet groeten pozdrawiam saygılarımla уважением',
  person:
    'with by for about tell ask email contact write mit für von an avec pour par con para por com per met voor z dla dlaczego с для ile',
  firm: 'inc ltd llc gmbh ag plc corp corporation company co university college school institute street st road rd avenue ave lane drive square park lake river mount mountain island city county bank group museum hospital airport station theorem method algorithm equation law test law constant distribution award prize stadium bridge church cathedral magazine times post journal university strasse straße platz rue place université calle plaza via universidade universidad hotel cup league fc restaurant café store shop house hall theatre theater orchestra foundation association committee language',
  date: 'january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag janvier février mars avril juin juillet août septembre octobre novembre décembre lundi mardi mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro segunda terça quarta quinta sexta января февраля марта апреля мая июня июля августа сентября октября ноября декабря',
}
const PART_NAMES = Object.keys(PARTS)
/** How a word is written that may be a name or a piece of one: with a capital, as a lone letter, all in capitals, all small. */
const WRITTEN = [...KINDS.map(kind => `cap_${kind}`), 'initial', 'caps', 'caps_name', 'small_given', 'small_surname']

export const ROLE_NAMES: readonly string[] = [...ROLES, ...PART_NAMES, ...WRITTEN]
const roleAt = (name: string) => ROLE_NAMES.indexOf(name)
export const DOUBTFUL = 1
export const LISTED = 2
/** Whether a word is in the lists of names, and there as nothing else: Rose, Mark and Paris are doubtful. */
export const FROM_LISTS = Uint8Array.from(ROLE_NAMES, name =>
  /^(cap_(given|surname|either|ending)|caps_name|small_.*)$/.test(name) ? LISTED : /^cap_(given|surname)_/.test(name) ? DOUBTFUL : 0,
)
/** Behind these a doubtful word, or behind a title any word with a capital, may be a name. */
export const INTRODUCES = Uint8Array.from(ROLE_NAMES, name =>
  name === 'title' ? LISTED : /^(intro|kin|greeting)$/.test(name) ? DOUBTFUL : 0,
)
const EDGE = roleAt('edge')
const LINE = roleAt('line')
const STOP = roleAt('stop')
export const COMMA = roleAt('comma')
const COLON = roleAt('colon')
const QUOTE = roleAt('quote')
const MARK = roleAt('mark')
const NUMBER = roleAt('number')
const LOWER = roleAt('lower')
const LOWER_S = roleAt('lower_s')
const LOWER_ED = roleAt('lower_ed')
const CODE = roleAt('code')
const GENITIVE = roleAt('genitive')
export const PARTICLE = roleAt('particle')
export const FIRST_WRITTEN = roleAt('cap_unknown')
export const INITIAL = roleAt('initial')
const CAPS = roleAt('caps')
export const CAPS_NAME = roleAt('caps_name')
const SMALL_GIVEN = roleAt('small_given')
const SMALL_SURNAME = roleAt('small_surname')
export const AND = roleAt('and')
export const BE = roleAt('be')
export const INTRO = roleAt('intro')
export const ROLE_EDGE = EDGE
const ENDING = KINDS.indexOf('ending')
const GIVEN = KINDS.indexOf('given')
const EITHER = KINDS.indexOf('either')
const SURNAME = KINDS.indexOf('surname')

let parts: Map<number, number> | undefined
/** A word with two parts plays the first. */
function partsByHash(): Map<number, number> {
  if (parts) return parts
  parts = new Map()
  for (const name of PART_NAMES)
    for (const word of (PARTS[name] as string).split(' ')) {
      const hash = nameHash(word)
      if (!parts.has(hash)) parts.set(hash, roleAt(name))
    }
  return parts
}

/** Words read at once; a longer text is read in as many goes as it needs. */
export const WORDS_MAX = 4_096

/** Reused from call to call: nothing in it outlives one. */
export type Row = { roles: Uint8Array; from: Int32Array; to: Int32Array; hashes: Uint32Array; length: number; next: number }
export const emptyRow = (): Row => ({
  roles: new Uint8Array(WORDS_MAX + 8),
  from: new Int32Array(WORDS_MAX + 8),
  to: new Int32Array(WORDS_MAX + 8),
  hashes: new Uint32Array(WORDS_MAX + 8),
  length: 0,
  next: 0,
})

const isDigit = (code: number) => code >= 0x30 && code <= 0x39

/** Reads words into `row` from `start` on, until it is full or the text ends; `row.next` is where the next go begins. */
export function readRow(row: Row, text: string, start: number, end: number, table: NameTable): void {
  const folds = letterFolds()
  const known = partsByHash()
  let n = 0
  let i = start
  const put = (role: number, from: number, to: number, hash: number) => {
    row.roles[n] = role
    row.from[n] = from
    row.to[n] = to
    row.hashes[n++] = hash
  }
  while (i < end && n < WORDS_MAX) {
    const code = text.charCodeAt(i)
    if (code === 0x20 || code === 0x09 || code === 0x0d) {
      i++
      continue
    }
    const fold = code < LETTERS_END ? (folds[code] as number) : 0
    if (fold === 0) {
      const from = i
      if (isDigit(code)) {
        while (i < end && isNumeric(text.charCodeAt(i), folds)) i++
        put(NUMBER, from, i, 0)
        continue
      }
      i++
      // Scripts without capitals are passed over as one small word.
      if (code >= LETTERS_END && (code < 0x2000 || code > 0x303f)) {
        while (i < end && text.charCodeAt(i) >= 0x3040) i++
        put(LOWER, from, i, 0)
      } else put(markOf(code), from, i, 0)
      continue
    }
    // One word: letters, with a hyphen or an apostrophe between them.
    const from = i
    let hash = HASH_START
    let letters = 0
    let capitals = 0
    let inner_capitals = 0
    let strange = false
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let fresh = true
    let genitive = 0
    for (; i < end; i++) {
      const each = text.charCodeAt(i)
      const letter = each < LETTERS_END ? (folds[each] as number) : 0
      if (letter !== 0) {
        if (letter & CAPITAL) {
          capitals++
          if (!fresh) inner_capitals++
        }
        const plain = letter & 0x7fff
        hash = hashStep(hash, plain)
        letters++
        a = b
        b = c
        c = d
        d = plain
        fresh = false
        continue
      }
      if (isDigit(each) || each === 0x5f) {
        strange = true
        continue
      }
      const next = i + 1 < end ? text.charCodeAt(i + 1) : 0
      const follows = next < LETTERS_END ? (folds[next] as number) : 0
      if (follows === 0) break
      if (each === 0x27 || each === 0x2019) {
        const after = i + 2 < end ? text.charCodeAt(i + 2) : 0
        const ends = after >= LETTERS_END || ((folds[after] as number) === 0 && !isDigit(after))
        if ((next === 0x73 || next === 0x53) && ends) {
          genitive = i
          i += 2
          break
        }
        // "d'Anna", "l'Italia": the article is a word of its own; "O'Brien" is one word.
        if (follows & CAPITAL && capitals === 0) break
        fresh = true
        continue
      }
      if (each !== 0x2d) {
        // "a.b", "a/b" and "a@b" are code or addresses where no space follows; a stop behind a lone capital is an initial's.
        if ((each === 0x2e && letters > 1) || each === 0x40) strange = true
        break
      }
      // Hyphenated: each half begins anew, and the first half tells the kind.
      if (letters > 0 && !(follows & CAPITAL)) strange = strange || capitals > 1
      while (i + 1 < end && isWordly(text.charCodeAt(i + 1), folds)) i++
      i++
      break
    }
    const to = genitive > 0 ? genitive : i
    put(
      roleOf(
        hashEnd(hash),
        letters,
        capitals,
        inner_capitals,
        (fold & CAPITAL) !== 0,
        strange,
        a,
        b,
        c,
        d,
        known,
        table,
        text.charCodeAt(from) === 0x4d && text.charCodeAt(from + 1) === 0x63,
      ),
      from,
      to,
      hashEnd(hash),
    )
    if (genitive > 0) put(GENITIVE, genitive, i, 0)
    if (row.roles[n - 1] !== INITIAL || i >= end || text.charCodeAt(i) !== 0x2e) continue
    // The stop of an initial belongs to it; at the beginning of a line it is the letter of a choice.
    row.to[n - 1] = ++i
    if (n === 1 || row.roles[n - 2] === LINE) row.roles[n - 1] = MARK
  }
  row.length = n
  row.next = i
}

const isNumeric = (code: number, folds: Uint16Array) =>
  isDigit(code) || code === 0x2c || code === 0x2e || code === 0x3a || (code < LETTERS_END && (folds[code] as number) !== 0)

const isWordly = (code: number, folds: Uint16Array) => code < LETTERS_END && ((folds[code] as number) !== 0 || code === 0x2d)

function roleOf(
  hash: number,
  letters: number,
  capitals: number,
  inner_capitals: number,
  begins: boolean,
  strange: boolean,
  a: number,
  b: number,
  c: number,
  d: number,
  known: Map<number, number>,
  table: NameTable,
  isMac: boolean,
): number {
  if (strange || letters > 24) return CODE
  const part = known.get(hash)
  if (part !== undefined) return part
  if (letters === 1) return begins ? INITIAL : LOWER
  const all = capitals === letters
  if (!begins) {
    if (capitals > 0) return CODE
    const kind = letters > 3 ? kindOf(table, hash) : 0
    return kind === GIVEN || kind === EITHER
      ? SMALL_GIVEN
      : kind === SURNAME
        ? SMALL_SURNAME
        : d === 0x73
          ? LOWER_S
          : c === 0x65 && d === 0x64
            ? LOWER_ED
            : LOWER
  }
  const kind = kindOf(table, hash)
  if (all) return kind >= GIVEN && kind <= EITHER && letters > 3 ? CAPS_NAME : CAPS
  // "DeVito" has a second capital and is in the lists, "McDonald" has it behind "Mc"; identifiers do not.
  if (inner_capitals > 1 || (inner_capitals === 1 && kind === 0 && !isMac)) return CODE
  if (kind === 0 && letters >= 5 && kindOf(table, endingHash(a, b, c, d)) === ENDING) return FIRST_WRITTEN + ENDING
  return FIRST_WRITTEN + (kind === ENDING ? 0 : kind)
}

function markOf(code: number): number {
  switch (code) {
    case 0x0a:
      return LINE
    case 0x2e:
    case 0x21:
    case 0x3f:
      return STOP
    case 0x2c:
    case 0x3b:
      return COMMA
    case 0x3a:
      return COLON
    case 0x22:
    case 0x27:
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0x2018:
    case 0x2019:
    case 0xab:
    case 0xbb:
      return QUOTE
    default:
      return MARK
  }
}
