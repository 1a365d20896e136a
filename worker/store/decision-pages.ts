/** Decisions as they lie in D1, page by page, for who wants to keep them longer than they are kept here. */
import type { OrgId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

/** `shared` and `records` are JSON: see SCHEMA.md. */
export type DecisionPage = { id: number; org: OrgId; at_ms: Ms; shared: string; records: string }

/** A page of the table has up to 1.4 million characters; together no more than a few of those, and at least one. */
const CHARS_AT_ONCE = 4_000_000
const PAGES = `SELECT id, org, at_ms, shared, records FROM (
  SELECT *, sum(length(shared) + length(records)) OVER (ORDER BY id) AS chars, row_number() OVER (ORDER BY id) AS place
  FROM (SELECT * FROM decision_pages WHERE id > ?1 AND at_ms >= ?2 AND at_ms < ?3 AND (?4 IS NULL OR org = ?4) ORDER BY id LIMIT ?5)
) WHERE chars <= ${CHARS_AT_ONCE} OR place = 1`

/** In the order they were written, after the page `after`. */
export async function decisionPages(
  db: D1Database,
  { from_ms, to_ms, org }: { from_ms: Ms; to_ms: Ms; org: OrgId | null },
  after: number,
  limit: number,
): Promise<DecisionPage[]> {
  const { results } = await db.prepare(PAGES).bind(after, from_ms, to_ms, org, limit).all<DecisionPage>()
  return results
}
