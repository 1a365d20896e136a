-- What each day cost, by team, key and target: kept when the rows are not any more. Made by triggers from the rows themselves, so that
-- a row which is sent twice, and ignored, is counted once. Team and target are '' where a row has none. See worker/store/SCHEMA.md.
CREATE TABLE usage_daily (
  org TEXT NOT NULL,
  day INTEGER NOT NULL,
  team TEXT NOT NULL,
  key_id TEXT NOT NULL,
  target TEXT NOT NULL,
  requests INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  caller_left INTEGER NOT NULL,
  orphans INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  tokens_unknown INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  cost_unknown INTEGER NOT NULL,
  cost_estimated INTEGER NOT NULL,
  own_cost_micros INTEGER NOT NULL,
  energy_wh REAL NOT NULL,
  co2e_g REAL NOT NULL,
  PRIMARY KEY (org, day, team, key_id, target)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_daily_by_day ON usage_daily (day, org);

INSERT INTO usage_daily
SELECT org, at_ms / 86400000, coalesce(team, ''), key_id, coalesce(target, ''), count(*),
  count(*) FILTER (WHERE outcome = 'completed'), count(*) FILTER (WHERE outcome IN ('failed', 'truncated')),
  count(*) FILTER (WHERE outcome = 'caller_left'), count(*) FILTER (WHERE outcome = 'orphan'),
  coalesce(sum(input_tokens), 0), coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0), coalesce(sum(output_tokens), 0),
  count(*) FILTER (WHERE input_tokens IS NULL OR output_tokens IS NULL),
  coalesce(sum(cost_micros), 0), count(*) FILTER (WHERE cost_micros IS NULL), count(*) FILTER (WHERE cost_estimated = 1),
  coalesce(sum(own_cost_micros), 0), coalesce(sum(energy_wh), 0.0), coalesce(sum(co2e_g), 0.0)
FROM usage GROUP BY 1, 2, 3, 4, 5;

CREATE TRIGGER usage_is_rolled_up AFTER INSERT ON usage BEGIN
  INSERT INTO usage_daily VALUES (
    NEW.org, NEW.at_ms / 86400000, coalesce(NEW.team, ''), NEW.key_id, coalesce(NEW.target, ''), 1,
    NEW.outcome = 'completed', NEW.outcome IN ('failed', 'truncated'), NEW.outcome = 'caller_left', NEW.outcome = 'orphan',
    coalesce(NEW.input_tokens, 0), coalesce(NEW.cache_read_tokens, 0), coalesce(NEW.cache_write_tokens, 0), coalesce(NEW.output_tokens, 0),
    NEW.input_tokens IS NULL OR NEW.output_tokens IS NULL,
    coalesce(NEW.cost_micros, 0), NEW.cost_micros IS NULL, coalesce(NEW.cost_estimated, 0),
    coalesce(NEW.own_cost_micros, 0), coalesce(NEW.energy_wh, 0.0), coalesce(NEW.co2e_g, 0.0)
  ) ON CONFLICT (org, day, team, key_id, target) DO UPDATE SET
    requests = requests + 1, completed = completed + excluded.completed, failed = failed + excluded.failed,
    caller_left = caller_left + excluded.caller_left, orphans = orphans + excluded.orphans,
    input_tokens = input_tokens + excluded.input_tokens, cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens,
    tokens_unknown = tokens_unknown + excluded.tokens_unknown,
    cost_micros = cost_micros + excluded.cost_micros, cost_unknown = cost_unknown + excluded.cost_unknown,
    cost_estimated = cost_estimated + excluded.cost_estimated, own_cost_micros = own_cost_micros + excluded.own_cost_micros,
    energy_wh = energy_wh + excluded.energy_wh, co2e_g = co2e_g + excluded.co2e_g;
END;

-- An orphan that turns out to have been only slow: what was counted for it is taken back, and what is true takes its place.
CREATE TRIGGER usage_is_rolled_up_anew AFTER UPDATE ON usage BEGIN
  UPDATE usage_daily SET
    requests = requests - 1, completed = completed - (OLD.outcome = 'completed'), failed = failed - (OLD.outcome IN ('failed', 'truncated')),
    caller_left = caller_left - (OLD.outcome = 'caller_left'), orphans = orphans - (OLD.outcome = 'orphan'),
    input_tokens = input_tokens - coalesce(OLD.input_tokens, 0), cache_read_tokens = cache_read_tokens - coalesce(OLD.cache_read_tokens, 0),
    cache_write_tokens = cache_write_tokens - coalesce(OLD.cache_write_tokens, 0), output_tokens = output_tokens - coalesce(OLD.output_tokens, 0),
    tokens_unknown = tokens_unknown - (OLD.input_tokens IS NULL OR OLD.output_tokens IS NULL),
    cost_micros = cost_micros - coalesce(OLD.cost_micros, 0), cost_unknown = cost_unknown - (OLD.cost_micros IS NULL),
    cost_estimated = cost_estimated - coalesce(OLD.cost_estimated, 0), own_cost_micros = own_cost_micros - coalesce(OLD.own_cost_micros, 0),
    energy_wh = energy_wh - coalesce(OLD.energy_wh, 0.0), co2e_g = co2e_g - coalesce(OLD.co2e_g, 0.0)
  WHERE org = OLD.org AND day = OLD.at_ms / 86400000 AND team = coalesce(OLD.team, '') AND key_id = OLD.key_id AND target = coalesce(OLD.target, '');
  DELETE FROM usage_daily
  WHERE org = OLD.org AND day = OLD.at_ms / 86400000 AND team = coalesce(OLD.team, '') AND key_id = OLD.key_id AND target = coalesce(OLD.target, '') AND requests = 0;
  INSERT INTO usage_daily VALUES (
    NEW.org, NEW.at_ms / 86400000, coalesce(NEW.team, ''), NEW.key_id, coalesce(NEW.target, ''), 1,
    NEW.outcome = 'completed', NEW.outcome IN ('failed', 'truncated'), NEW.outcome = 'caller_left', NEW.outcome = 'orphan',
    coalesce(NEW.input_tokens, 0), coalesce(NEW.cache_read_tokens, 0), coalesce(NEW.cache_write_tokens, 0), coalesce(NEW.output_tokens, 0),
    NEW.input_tokens IS NULL OR NEW.output_tokens IS NULL,
    coalesce(NEW.cost_micros, 0), NEW.cost_micros IS NULL, coalesce(NEW.cost_estimated, 0),
    coalesce(NEW.own_cost_micros, 0), coalesce(NEW.energy_wh, 0.0), coalesce(NEW.co2e_g, 0.0)
  ) ON CONFLICT (org, day, team, key_id, target) DO UPDATE SET
    requests = requests + 1, completed = completed + excluded.completed, failed = failed + excluded.failed,
    caller_left = caller_left + excluded.caller_left, orphans = orphans + excluded.orphans,
    input_tokens = input_tokens + excluded.input_tokens, cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens,
    tokens_unknown = tokens_unknown + excluded.tokens_unknown,
    cost_micros = cost_micros + excluded.cost_micros, cost_unknown = cost_unknown + excluded.cost_unknown,
    cost_estimated = cost_estimated + excluded.cost_estimated, own_cost_micros = own_cost_micros + excluded.own_cost_micros,
    energy_wh = energy_wh + excluded.energy_wh, co2e_g = co2e_g + excluded.co2e_g;
END;
