/** What kind of character a code unit is to the detectors of personal data: ASCII alone, as numbers, keys and addresses are written in it. */

export const isDigit = (code: number) => code >= 0x30 && code <= 0x39
export const isUpper = (code: number) => code >= 0x41 && code <= 0x5a
export const isLower = (code: number) => code >= 0x61 && code <= 0x7a
/** A letter or a digit. */
export const isWord = (code: number) => isDigit(code) || isUpper(code) || isLower(code)
export const isHex = (code: number) => isDigit(code) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)
