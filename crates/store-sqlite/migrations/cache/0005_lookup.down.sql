DROP VIEW cache_lookup;
ALTER TABLE cache_epoch RENAME COLUMN newest_hidden TO hidden;
