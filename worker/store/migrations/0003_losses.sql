-- What the request's translation lost, there and back: JSON, one element for each kind. NULL where nobody can say.
ALTER TABLE usage ADD COLUMN losses TEXT;
