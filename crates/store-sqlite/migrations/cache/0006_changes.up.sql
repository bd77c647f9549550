-- What was changed, for processes that keep copies of values. Nothing is logged while nobody follows.
CREATE TABLE cache_followers (
  -- Drawn at random.
  id INTEGER PRIMARY KEY NOT NULL,
  -- The last change that it is known to have read.
  sequence INTEGER NOT NULL,
  -- Unix milliseconds; it is removed after that.
  lease_until INTEGER NOT NULL
) STRICT;
CREATE TABLE cache_changes (
  -- Rises as long as somebody follows: the newest change is not removed before.
  sequence INTEGER PRIMARY KEY NOT NULL,
  -- NULL: any value may have changed.
  hash TEXT
) STRICT;
-- Triggers, so that every writer takes part, also a program of an earlier version that is still running.
CREATE TRIGGER cache_insert AFTER INSERT ON cache
WHEN EXISTS (SELECT 1 FROM cache_followers)
BEGIN
  INSERT INTO cache_changes (hash) VALUES (NEW.hash);
END;
CREATE TRIGGER cache_update AFTER UPDATE ON cache
WHEN EXISTS (SELECT 1 FROM cache_followers)
BEGIN
  INSERT INTO cache_changes (hash) VALUES (NEW.hash);
END;
CREATE TRIGGER cache_delete AFTER DELETE ON cache
WHEN EXISTS (SELECT 1 FROM cache_followers)
BEGIN
  INSERT INTO cache_changes (hash) VALUES (OLD.hash);
END;
-- Hidden values stay where they are.
CREATE TRIGGER cache_hide AFTER UPDATE OF newest_hidden ON cache_epoch
WHEN NEW.newest_hidden > OLD.newest_hidden AND EXISTS (SELECT 1 FROM cache_followers)
BEGIN
  INSERT INTO cache_changes (hash) VALUES (NULL);
END;
-- Sweeps remove what all have read; this bounds the log where none runs.
CREATE TRIGGER cache_changes_bound AFTER INSERT ON cache_changes
WHEN NEW.sequence % 1024 = 0
BEGIN
  DELETE FROM cache_changes WHERE sequence <= NEW.sequence - 65536;
END;
