/**
 * Names in scripts that have no capitals, where nothing but the words around it shows that a word is one: "我叫王小明", "田中さん", "김민수님",
 * "اسمي محمد", "שמי דנה", "मेरा नाम राहुल है". Only what is introduced as a name, or has a title or an honorific, is taken for one; in Chinese, Japanese
 * and Korean it must begin with a surname that many have as well. So most names in these scripts are missed, and few words are taken
 * for one: in 7,934 prompts of benchmarks and our corpus with such letters 124 were found, all but one
 * rightly (2026-11-24; "many doctors", since mended). Rejected: surnames alone, as each of them is a word (高 high, 田 field, 이 this).
 */

/** The places of names between two positions, as pairs of from and to, from left to right. */
export function namesByCue(text: string, start: number, end: number): number[] {
  const part = text.slice(start, end)
  const pairs: [number, number][] = []
  for (const cue of CUES) {
    cue.pattern.lastIndex = 0
    for (let match = cue.pattern.exec(part); match; match = cue.pattern.exec(part)) {
      const at = match.indices?.groups?.name
      if (at && !cue.none?.has(part.slice(...at))) pairs.push([start + at[0], start + at[1]])
    }
  }
  pairs.sort((a, b) => a[0] - b[0])
  const places: number[] = []
  for (const [from, to] of pairs) if (from >= (places.at(-1) ?? 0)) places.push(from, to)
  return places
}

type Cue = { pattern: RegExp; none?: ReadonlySet<string> }

/** Without those that are as often a preposition or an adjective: 于, 向, 时, 和, 任, 关, 安, 常, 全. */
const CHINESE =
  '欧阳|司马|上官|诸葛|[王李张劉刘陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱高林何郭马馬罗羅梁宋郑鄭谢謝韩韓唐冯馮董萧程曹袁邓鄧许許傅沈曾彭吕呂苏蘇卢盧蒋蔡贾丁魏薛叶葉阎余潘杜戴夏钟汪田姜范方石姚谭廖邹熊陆郝孔白崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎武贺赖龚]'
/** Words that stand before a title and begin like a surname: days, many, top, senior. */
const NO_CHINESE = '(?!周[一二三四五六日末]|许多|金牌|王牌|高级)'
const HAN = '[\\u4e00-\\u9fff]'
const JAPANESE =
  '佐々木|長谷川|佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|山本|中村|小林|加藤|吉田|山田|山口|松本|井上|木村|斎藤|斉藤|清水|山崎|池田|橋本|阿部|石川|山下|中島|石井|小川|前田|岡田|藤田|後藤|近藤|村上|遠藤|青木|坂本|福田|太田|西村|藤井|金子|岡本|藤原|三浦|中野|原田|松田|竹内|小野|中山|和田|石田|上田|森田|柴田|酒井|工藤|横山|宮崎|宮本|内田|高木|安藤|谷口|大野|丸山|今井|河野|藤本|村田|武田|上野|杉山|増田|小島|小山|千葉|久保|松井|岩崎|野口|桜井|木下|菊池|野村|松尾|佐野|菅原'
const KOREAN = '[김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진엄채원천방공현함변염추]'
/** Offices that begin like a surname. */
const KOREAN_OFFICES = new Set(
  '고객 선생 하느 임금 주인 원장 사장 이사 기사 강사 조교 신부 공주 소장 선배 부장 과장 대표 교수 변호사 이사장 전문가 주방장 정비사 조종사 배우자 한의사 안내원 유치원'.split(
    ' ',
  ),
)
const ARABIC = '[\\u0621-\\u064a\\u064b-\\u0652]'
const HEBREW = '[\\u05d0-\\u05ea]'
const DEVANAGARI = '[\\u0900-\\u0963]'

/** `\b` knows no letters but Latin ones. */
const NOT_BEHIND = (letter: string) => `(?<!${letter})`
const pattern = (source: string): RegExp => new RegExp(source, 'dgu')

const CUES: readonly Cue[] = [
  // Introduced: my name is; name, contact, patient, recipient.
  {
    pattern: pattern(
      `(?:我叫|名叫|名字[是叫]|姓名[:：]|联系人[:：]|收件人[:：]|患者[:：]|客户[:：]) ?(?<name>(?:${CHINESE})${HAN}{1,2})(?!${HAN})`,
    ),
  },
  { pattern: pattern(`${NO_CHINESE}(?<name>(?:${CHINESE})${HAN}{0,2}?)(?:先生|女士|小姐|太太|教授|博士|医生|律师)`) },
  { pattern: pattern(`(?<name>(?:${JAPANESE})(?:[ 　]?${HAN}{1,3}|[\\u3041-\\u3096]{2,4}?)?)(?:さん|様|さま|くん|君|ちゃん|氏)`) },
  {
    pattern: pattern(
      `(?:名前は|氏名[:：]|名前[:：]|担当者?[:：]) ?(?<name>(?:${JAPANESE})[ 　]?(?:${HAN}|[\\u3041-\\u3096\\u30a1-\\u30fa]){1,4}?)(?=です|と申|といい|[、。\\s]|$)`,
    ),
  },
  {
    pattern: pattern(
      `(?:이름은|이름[:：]|성함[:：]|성명[:：]|고객명[:：]) ?(?<name>${KOREAN}[가-힣]{1,2}?)(?=입니다|이에요|예요|이고|이라고|[\\s.,]|$)`,
    ),
  },
  { pattern: pattern(`(?<![가-힣])(?<name>${KOREAN}[가-힣]{2})(?= ?(?:씨|님|선생님|교수님)(?![가-힣]{2}))`), none: KOREAN_OFFICES },
  {
    pattern: pattern(
      `${NOT_BEHIND(ARABIC)}(?:اسمي|الاسم[:：]|اسم المريض[:：]|اسم العميل[:：]) ?(?:هو )?(?<name>(?!ال)${ARABIC}{2,12}(?: (?!و|من|في)${ARABIC}{2,12}(?=[\\s،.]|$))?)`,
    ),
  },
  {
    pattern: pattern(
      `${NOT_BEHIND(ARABIC)}(?:السيدة|السيد|الدكتورة|الدكتور|الأستاذة|الأستاذ|المهندسة|المهندس) (?<name>(?!ال)${ARABIC}{2,12})`,
    ),
  },
  {
    pattern: pattern(
      `${NOT_BEHIND(HEBREW)}(?:שמי|קוראים לי|השם שלי הוא|שם מלא:|שם:|גברת|ד"ר|ד״ר|פרופ'|פרופ׳) ?(?<name>${HEBREW}{2,12}(?: ${HEBREW}{2,12}(?=[.,]|$))?)`,
    ),
  },
  { pattern: pattern(`मेरा नाम (?<name>${DEVANAGARI}{2,14}(?: (?!है)${DEVANAGARI}{2,14})?) है`) },
  { pattern: pattern(`${NOT_BEHIND(DEVANAGARI)}(?:(?:श्रीमती|श्री|डॉ\\.?) |नाम: ?)(?<name>${DEVANAGARI}{2,14})`) },
]
