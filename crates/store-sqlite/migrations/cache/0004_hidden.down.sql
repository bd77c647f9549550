DELETE FROM cache WHERE EXISTS (
  SELECT 1 FROM cache_hidden AS hidden
  WHERE hidden.epoch > cache.epoch
    AND (hidden.subject = 'all'
      OR hidden.subject = 'scope:' || substr(hash, 1, instr(hash, ':') - 1)
      OR hidden.subject IN (SELECT 'tag:' || tag FROM cache_tags WHERE cache_tags.hash = cache.hash))
);
DELETE FROM cache_tags WHERE hash NOT IN (SELECT hash FROM cache);
ALTER TABLE cache_epoch DROP COLUMN hidden;
DROP TABLE cache_hidden;
