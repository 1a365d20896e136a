-- Searches that providers bill by the call; whether any part of the cost rests on counts of our own; carbon beside energy, and how sure
-- both are. NULL in rows from before.
ALTER TABLE usage ADD COLUMN web_search_calls INTEGER;
ALTER TABLE usage ADD COLUMN file_search_calls INTEGER;
ALTER TABLE usage ADD COLUMN cost_estimated INTEGER;
ALTER TABLE usage ADD COLUMN co2e_g REAL;
ALTER TABLE usage ADD COLUMN energy_confidence TEXT;
