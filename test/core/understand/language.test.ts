import { describe, expect, it } from 'vitest'
import { languageOf } from '../../../worker/core/understand/language.ts'
import { appendWords, noWords } from '../../../worker/core/understand/words.ts'

function languageIn(text: string) {
  const words = noWords()
  appendWords(words, text, 0, text.length)
  return languageOf(text, words)
}

const SENTENCES: [string, string][] = [
  ['en', 'Could you please explain how the tides work and why there are two of them each day?'],
  ['de', 'Kannst du mir bitte erklären, warum der Himmel am Abend rot ist?'],
  ['fr', 'Pouvez-vous m’expliquer pourquoi le ciel est rouge le soir ?'],
  ['es', '¿Puedes explicarme por qué el cielo es rojo por la tarde?'],
  ['pt', 'Você pode me explicar por que o céu não é azul à noite?'],
  ['it', 'Mi puoi spiegare perché il cielo della sera è rosso?'],
  ['nl', 'Kun je uitleggen waarom de lucht in de avond rood is en niet blauw?'],
  ['sv', 'Kan du förklara varför himlen är röd på kvällen och inte blå?'],
  ['da', 'Kan du forklare mig, hvorfor himlen er rød om aftenen, og hvad det betyder af lys?'],
  ['no', 'Kan du forklare meg hvorfor himmelen er rød om kvelden, og hva det betyr etter regn?'],
  ['fi', 'Voitko kertoa, miksi taivas on illalla punainen ja mitä se tarkoittaa?'],
  ['pl', 'Czy możesz wyjaśnić, dlaczego niebo wieczorem jest czerwone?'],
  ['cs', 'Můžeš mi vysvětlit, proč je nebe večer červené?'],
  ['sk', 'Môžeš mi vysvetliť, prečo je obloha večer červená a nie modrá?'],
  ['hu', 'El tudnád magyarázni, hogy miért vörös az ég este?'],
  ['ro', 'Poți să îmi explici de ce este cerul roșu seara?'],
  ['tr', 'Gökyüzünün akşam neden kırmızı olduğunu açıklar mısın?'],
  ['vi', 'Bạn có thể giải thích tại sao bầu trời lại đỏ vào buổi tối không?'],
  ['id', 'Bisakah kamu jelaskan mengapa langit pada sore hari berwarna merah?'],
  ['sw', 'Je, unaweza kueleza kwa nini anga ni jekundu wakati wa jioni?'],
  ['lt', 'Ar gali paaiškinti, kodėl vakare dangus yra raudonas?'],
  ['lv', 'Vai tu vari paskaidrot, kāpēc debesis vakarā ir sarkanas?'],
  ['ru', 'Можешь объяснить, почему небо вечером красное и что это значит?'],
  ['uk', 'Чи можеш ти пояснити, чому небо ввечері червоне і що це означає?'],
  ['el', 'Μπορείς να μου εξηγήσεις γιατί ο ουρανός είναι κόκκινος;'],
  ['he', 'אתה יכול להסביר למה השמיים אדומים בערב?'],
  ['ar', 'هل يمكنك أن تشرح لماذا السماء حمراء في المساء؟'],
  ['fa', 'می‌توانی توضیح بدهی چرا آسمان در غروب سرخ است و گرم؟'],
  ['ur', 'کیا آپ بتا سکتے ہیں کہ شام کو آسمان سرخ کیوں ہوتا ہے؟'],
  ['hi', 'क्या आप बता सकते हैं कि शाम को आसमान लाल क्यों होता है?'],
  ['bn', 'সন্ধ্যায় আকাশ লাল কেন হয়?'],
  ['ta', 'மாலையில் வானம் ஏன் சிவப்பாக இருக்கிறது?'],
  ['th', 'ทำไมท้องฟ้าตอนเย็นถึงเป็นสีแดง'],
  ['ko', '저녁에 하늘이 왜 빨간지 설명해 주시겠어요?'],
  ['ja', '夕方の空が赤いのはなぜか説明してください。'],
  ['zh', '你能解释一下为什么傍晚的天空是红色的吗？'],
]

describe('a sentence is in its language', () => {
  it.each(SENTENCES)('%s: %s', (language, sentence) => {
    expect(languageIn(sentence).language).toBe(language)
  })
})

describe('where it cannot be told, it is not guessed', () => {
  it.each(['', '12345', 'xyzzy', 'SELECT 1;', '🙂🙂', 'Ok'])('%j is und', text => {
    expect(languageIn(text).language).toBe('und')
  })
})

it('a prompt about words of another language is in the language that asks', () => {
  expect(languageIn('Please translate this into English and explain what each of the words means: 你好吗').language).toBe('en')
})

it('confidence grows with the text', () => {
  const short = languageIn('What is this?').confidence
  expect(languageIn('What is this, and how do you write it when there are many of them?').confidence).toBeGreaterThan(short)
})
