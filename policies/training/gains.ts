/** How much a strong model gains over a weaker one on each graded prompt, by which difficulty is learned. */
import { gradedSets } from './routing/sets.ts'

export type GainText = { text: string; set: string; question: string; gain: number; hardness: number }

/** `hardness`: share of what models lost on it. */
export function gainTexts(folder: string): GainText[] {
  return gradedSets(folder).flatMap(({ name, rows, strong, weak }) =>
    rows.map(({ prompt, scores, question }) => {
      const all = Object.values(scores)
      return {
        text: prompt,
        set: name,
        question,
        gain: (scores[strong] ?? 0) - (scores[weak] ?? 0),
        hardness: 1 - all.reduce((sum, each) => sum + each, 0) / all.length,
      }
    }),
  )
}
