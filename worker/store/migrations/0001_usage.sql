-- One row for each request that was dispatched, whatever became of it. Tokens and cost are NULL where nobody said: unknown is
-- not zero. Money is whole micro-USD. See worker/store/SCHEMA.md for what each column means.
CREATE TABLE usage (
  decision_id TEXT NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  settled_at_ms INTEGER NOT NULL,
  org TEXT NOT NULL,
  key_id TEXT NOT NULL,
  team TEXT,
  dialect TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  requested_model TEXT NOT NULL,
  policy TEXT NOT NULL,
  policy_version TEXT NOT NULL,
  task TEXT NOT NULL,
  stream INTEGER NOT NULL,
  planned_target TEXT NOT NULL,
  planned_provider TEXT NOT NULL,
  estimated_input_tokens INTEGER,
  estimated_output_tokens INTEGER,
  estimated_cost_micros INTEGER,
  outcome TEXT NOT NULL,
  target TEXT,
  provider TEXT,
  status INTEGER,
  error_code TEXT,
  finish_reason TEXT,
  input_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  cache_write_1h_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  audio_input_tokens INTEGER,
  audio_output_tokens INTEGER,
  image_input_tokens INTEGER,
  usage_estimated INTEGER NOT NULL,
  cost_micros INTEGER,
  energy_wh REAL,
  first_token_ms INTEGER,
  total_ms INTEGER,
  attempts TEXT NOT NULL
) STRICT;

CREATE INDEX usage_by_org ON usage (org, at_ms);
CREATE INDEX usage_by_target ON usage (target, at_ms);
CREATE INDEX usage_by_key ON usage (key_id, at_ms);

-- Why each request went where it went: the decision record as JSON.
CREATE TABLE decisions (
  decision_id TEXT NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  org TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_by_org ON decisions (org, at_ms);

-- Usage objects that may still hold rows for us. The sweep wakes those that have been silent, and takes out the idle.
CREATE TABLE usage_objects (
  org TEXT NOT NULL PRIMARY KEY,
  registered_at_ms INTEGER NOT NULL,
  heard_at_ms INTEGER NOT NULL
) STRICT;
