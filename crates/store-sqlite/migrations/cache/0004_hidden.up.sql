-- Removals of many values, which are hidden at once and freed later.
CREATE TABLE cache_hidden (
  -- scope:…, tag:… or all
  subject TEXT PRIMARY KEY NOT NULL,
  -- Values that were stored before this invalidation are hidden.
  epoch INTEGER NOT NULL,
  -- The last key that a sweep has looked at.
  position TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
-- The newest epoch in that table; 0 while it is empty.
ALTER TABLE cache_epoch ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
