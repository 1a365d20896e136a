/** What announces a telephone or a card beside a row of digits, in a dozen languages. Looked for only where digits leave it open. */

const words = (text: string) => text.split('|')
export const PHONE_WORDS = words(
  'phone|telephone|tel|call|calls|called|calling|dial|ring|mobile|mob|cell|cellphone|fax|whatsapp|sms|hotline|landline|helpline|reach me|reach us|reach you|text me|contact number|answering|answers|telefon|tel nr|handy|handynummer|rufnummer|anrufen|ruf|téléphone|telephone|portable|appelez|appeler|teléfono|móvil|celular|llama|llamar|telefone|telemóvel|ligue|ligar|telefono|cellulare|chiama|telefoon|bel|telefoonnummer|telefonu|numer|telefonas|puhelin|телефон|тел|звоните|позвоните|هاتف|电话|手机|電話|携帯|전화',
)
export const CARD_WORDS = words(
  'card|cards|cc|credit|debit|visa|mastercard|amex|maestro|karte|kreditkarte|kartennummer|carte|tarjeta|cartão|carta|kaart|creditcard|karta|karty|kart|карта|карты|карту|картой|卡|カード|카드',
)
/** Stands right before a number that is in one piece: "Fax: 9498777106", "desk 5403926876". */
const LABELS = new Set(
  words(
    'phone|telephone|tel|mobile|mob|cell|cellphone|fax|whatsapp|hotline|landline|desk|office|telefon|handy|mobil|téléphone|portable|teléfono|móvil|celular|telefone|telemóvel|telefono|cellulare|telefoon|телефон|тел|факс',
  ),
)
/** And right behind one: "9885 1152-Office", "555 1234 (mobile)". */
export const LABEL_BEHIND = /^ ?[-(](?:office|fax|mobile|cell|home|work|desk|direct)\b/i

/** Whether one of the words stands, whole, between two positions. */
export function hasWord(text: string, from: number, to: number, list: readonly string[]): boolean {
  const near = text.slice(from, to).toLowerCase()
  for (const word of list) {
    const at = near.indexOf(word)
    if (at >= 0 && !isLetter(near.charCodeAt(at - 1)) && !isLetter(near.charCodeAt(at + word.length))) return true
  }
  return false
}

/** Letters of scripts with spaces between words; in others a word has no edges. NaN, outside of the text, is none. */
const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0xdf && code < 0x700)

/** No label is longer than 24 letters, and none is followed by more than three words like "number is": so it cannot backtrack far. */
const LABEL = /(\p{L}{1,24})\.?(?: (?:number|no|nr|is|at|num)\.?){0,3}[ :.#(-]{0,3}$/u
/** Whether a label ends at `to`. */
export function isLabelled(text: string, from: number, to: number): boolean {
  const near = text.slice(from, to).toLowerCase()
  return LABELS.has(LABEL.exec(near)?.[1] ?? '')
}
