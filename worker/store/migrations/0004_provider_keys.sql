-- Providers' keys that callers bring, sealed. This table is what there is; KV has a copy of it for requests to read.
CREATE TABLE provider_keys (
  id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL,
  team TEXT,
  key_id TEXT,
  provider TEXT NOT NULL,
  label TEXT NOT NULL,
  last4 TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  master TEXT NOT NULL,
  wrapped TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT;

-- One for each provider and owner: a new one replaces it.
CREATE UNIQUE INDEX provider_keys_by_owner ON provider_keys (org, coalesce(team, ''), coalesce(key_id, ''), provider);

-- Whose key paid: the router's, the caller's own, or both; and what was paid with the caller's own, which is in no other sum.
ALTER TABLE usage ADD COLUMN paid_by TEXT;
ALTER TABLE usage ADD COLUMN own_cost_micros INTEGER;
