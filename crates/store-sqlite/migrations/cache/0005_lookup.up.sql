-- Lookups read a view, of which there is another while removals are pending. Frees what is hidden now, so that it
-- can begin with none.
DELETE FROM cache WHERE (SELECT hidden FROM cache_epoch) > 0 AND EXISTS (
  SELECT 1 FROM cache_hidden AS hidden
  WHERE hidden.epoch > cache.epoch
    AND (hidden.subject = 'all'
      OR hidden.subject = 'scope:' || substr(hash, 1, instr(hash, ':') - 1)
      OR hidden.subject IN (SELECT 'tag:' || tag FROM cache_tags WHERE cache_tags.hash = cache.hash))
);
DELETE FROM cache_tags
WHERE (SELECT hidden FROM cache_epoch) > 0 AND hash NOT IN (SELECT hash FROM cache);
DELETE FROM cache_hidden;
UPDATE cache_epoch SET hidden = 0;
-- A program of the earlier schema that still runs would not replace the view; without the column it fails.
ALTER TABLE cache_epoch RENAME COLUMN hidden TO newest_hidden;
CREATE VIEW cache_lookup AS
SELECT hash, expires_at, created_at, epoch, value, checksum, 0 AS newest_hidden FROM cache;
