-- Everything an admin changed, oldest first. Each entry's hash is an HMAC over the entry and the hash before it, so that an
-- entry that was altered, taken out or put in is found. See worker/store/SCHEMA.md.
CREATE TABLE audit (
  seq INTEGER NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  role TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  org TEXT,
  detail TEXT NOT NULL,
  before_hash TEXT,
  after_hash TEXT,
  pepper TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

-- Admins' keys that were revoked. KV may go on giving the old record for a minute; this is read as it is now.
CREATE TABLE revoked_admins (
  key_id TEXT NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL
) STRICT;

-- Usage of all organisations, by time.
CREATE INDEX usage_by_time ON usage (at_ms, decision_id);
