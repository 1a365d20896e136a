import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { estimateTokens, tokensBetween } from '../../../worker/core/understand/tokens.ts'

const counted = (text: string) => encode(text, { disallowedSpecial: new Set() }).length
const error = (text: string) => estimateTokens(text) / counted(text) - 1

const TEXTS: [string, number, string][] = [
  [
    'prose',
    0.15,
    'The old lighthouse was built in 1871 by fishermen who had lost two boats on the reef the winter before. It burned whale oil, later kerosene, and was electrified only after the road came in 1934.',
  ],
  ['chat', 0.15, "hey, can you help me with something? i'm trying to get my sourdough starter going but it doesn't seem to rise at all :("],
  [
    'TypeScript',
    0.2,
    'export function windowAt(window: Window, now_ms: Ms): WindowBounds {\n  const day = Math.floor(now_ms / DAY_MS)\n  if (window === "day") return { start_ms: day * DAY_MS }\n  return { start_ms: 0 }\n}\n',
  ],
  [
    'Python',
    0.25,
    'def main(path: str) -> int:\n    """Counts files."""\n    total = 0\n    for name in os.listdir(path):\n        if name.endswith(".py"):\n            total += 1\n    return total\n',
  ],
  [
    'JSON',
    0.2,
    '{"id":184467,"user":{"name":"Ann Lee","email":"ann@example.com"},"items":[{"sku":"A-17","qty":3,"price":12.5},{"sku":"B-2","qty":1,"price":99}]}',
  ],
  ['Chinese', 0.2, '你能解释一下为什么傍晚的天空是红色的吗？太阳光在大气中散射，波长较短的蓝光被散射得更多。'],
  ['Japanese', 0.2, '夕方の空が赤いのはなぜか説明してください。太陽の光は大気の中で散乱し、波長の短い青い光ほど強く散乱されます。'],
  [
    'German',
    0.2,
    'Kannst du mir bitte erklären, warum der Himmel am Abend rot ist? Das Sonnenlicht wird in der Atmosphäre gestreut, kurzwelliges blaues Licht stärker als rotes.',
  ],
  [
    'Russian',
    0.2,
    'Можешь объяснить, почему небо вечером красное? Солнечный свет рассеивается в атмосфере, и синий свет рассеивается сильнее красного.',
  ],
  ['Arabic', 0.25, 'هل يمكنك أن تشرح لماذا تكون السماء حمراء في المساء؟ يتشتت ضوء الشمس في الغلاف الجوي.'],
  ['Korean', 0.25, '저녁에 하늘이 왜 빨간지 설명해 주시겠어요? 햇빛은 대기에서 산란되고 파란 빛이 더 많이 산란됩니다.'],
  [
    'base64',
    0.2,
    'TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdCwgc2VkIGRvIGVpdXNtb2QgdGVtcG9yIGluY2lkaWR1bnQgdXQgbGFib3Jl',
  ],
  [
    'digits',
    0.05,
    '3141592653589793238462643383279502884197169399375105820974944592307816406286208998628034825342117067982148086513282306647',
  ],
  ['CSV', 0.2, '12.5,13.75,14.25,100\n9.81,3.14159,2.71828,42\n1024,2048,4096,8192\n'],
]

describe('the estimate is near the count of o200k', () => {
  it.each(TEXTS)('for %s, within %d', (_, bound, text) => {
    expect(Math.abs(error(text))).toBeLessThanOrEqual(bound)
  })
  it('and within a tenth on average over all of these', () => {
    const mean = TEXTS.reduce((sum, [, , text]) => sum + Math.abs(error(text)), 0) / TEXTS.length
    expect(mean).toBeLessThan(0.1)
  })
  it('and a long text is judged by its pieces', () => {
    const long = TEXTS.slice(0, 5)
      .map(([, , text]) => text)
      .join('\n')
      .repeat(200)
    const pieces = estimateTokens(long)
    expect(Math.abs(pieces / tokensBetween(long, 0, long.length) - 1)).toBeLessThan(0.05)
  })
})

it('nothing is no tokens', () => {
  expect(estimateTokens('')).toBe(0)
})

it('more text is never fewer tokens, where all of it is looked at', () => {
  const text = TEXTS.map(([, , sample]) => sample).join(' ')
  for (let end = 1; end < text.length; end += 7) expect(tokensBetween(text, 0, end)).toBeGreaterThanOrEqual(tokensBetween(text, 0, end - 1))
})
