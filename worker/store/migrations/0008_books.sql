-- What the last comparison of each organisation's two books said: `books-check.ts`.
CREATE TABLE books (
  org TEXT PRIMARY KEY,
  checked_at_ms INTEGER NOT NULL,
  differs_since_ms INTEGER,
  differences TEXT NOT NULL
);
