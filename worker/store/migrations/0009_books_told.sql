-- Which differences an organisation's webhook was told, so that it is told each once: `books-notice.ts`.
ALTER TABLE books ADD COLUMN told TEXT NOT NULL DEFAULT '{}';
