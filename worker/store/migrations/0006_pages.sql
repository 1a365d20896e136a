-- The records of the requests whose rows were written together, as one row: a row and its index for each of them was a
-- third of what a request's accounting cost. See worker/store/SCHEMA.md.
DROP TABLE decisions;

CREATE TABLE decision_pages (
  id INTEGER PRIMARY KEY,
  org TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  shared TEXT NOT NULL,
  records TEXT NOT NULL
) STRICT;

-- The page that has this request's decision.
ALTER TABLE usage ADD COLUMN page INTEGER;
