-- The sum of the migrations, for readers; a test keeps it equal.

CREATE TABLE cache (
  hash TEXT PRIMARY KEY NOT NULL,
  -- Unix milliseconds; 0 is never.
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  fill_began_at INTEGER NOT NULL,
  value BLOB NOT NULL,
  -- The number of invalidations when it was stored; 0 in rows of earlier versions.
  epoch INTEGER NOT NULL DEFAULT 0,
  -- CRC-32 of key, expires_at, created_at, epoch and value; NULL in rows of earlier versions.
  checksum INTEGER
) STRICT;
CREATE INDEX idx_cache_expires_at ON cache (expires_at);
CREATE TABLE cache_tags (
  tag TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tag, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_cache_tags_hash ON cache_tags (hash);
CREATE TABLE cache_epoch (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The number of invalidations so far.
  epoch INTEGER NOT NULL,
  -- The newest of them that was removed.
  horizon INTEGER NOT NULL,
  -- The newest in cache_hidden; 0 while that is empty.
  newest_hidden INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO cache_epoch (id, epoch, horizon) VALUES (1, 0, 0);
CREATE TABLE cache_invalidations (
  -- key:…, scope:…, tag:… or all
  subject TEXT PRIMARY KEY NOT NULL,
  epoch INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_cache_invalidations_at ON cache_invalidations (at);
CREATE TABLE cache_hidden (
  -- scope:…, tag:… or all
  subject TEXT PRIMARY KEY NOT NULL,
  -- Values that were stored before this invalidation are hidden until they are freed.
  epoch INTEGER NOT NULL,
  -- The last key that a sweep has looked at.
  position TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
-- Replaced by one with the number of the newest while removals are pending.
CREATE VIEW cache_lookup AS
SELECT hash, expires_at, created_at, epoch, value, checksum, 0 AS newest_hidden FROM cache;
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

CREATE TABLE dedupe_jobs (
  hash TEXT PRIMARY KEY NOT NULL,
  job_id TEXT NOT NULL,
  -- pending, completed or failed
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  priority TEXT NOT NULL,
  error TEXT,
  -- Of a completed job: null if the value is not shared here.
  result BLOB,
  -- Of an ended job: CRC-32 of key, job, status, time and result; NULL in rows of earlier versions.
  checksum INTEGER,
  -- The owner's fencing token: greater than those of all earlier owners of the key.
  token INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE dedupe_results (
  job_id TEXT PRIMARY KEY NOT NULL,
  hash TEXT NOT NULL,
  status TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  error TEXT,
  result BLOB,
  checksum INTEGER
) STRICT;
CREATE TABLE dedupe_tokens (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The greatest token of the jobs whose rows were removed; it only rises.
  last INTEGER NOT NULL
) STRICT;
CREATE TRIGGER dedupe_jobs_removed AFTER DELETE ON dedupe_jobs
BEGIN
  UPDATE dedupe_tokens SET last = OLD.token WHERE last < OLD.token;
END;

CREATE TABLE rate_limits (
  resource TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  -- Rises with the timestamp within a resource; between two of them lie at most as many admissions
  -- as between the numbers.
  id INTEGER NOT NULL,
  is_user INTEGER NOT NULL,
  -- Drawn at random, so that a permit that is given back late never meets another's row.
  permit INTEGER,
  PRIMARY KEY (resource, timestamp, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE server_cooldowns (
  origin TEXT PRIMARY KEY NOT NULL,
  cooldown_until INTEGER NOT NULL,
  -- NULL, if a program set it that does not know the column.
  set_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE rate_resources (
  resource TEXT PRIMARY KEY NOT NULL,
  -- The configuration that was set for the resource, in JSON, and how often it was set.
  config TEXT,
  config_version INTEGER NOT NULL DEFAULT 0,
  -- The configuration of the latest claim, in JSON; for listings.
  claimed TEXT,
  -- The longest window that the resource ever had: so long its admissions matter.
  keep_ms INTEGER NOT NULL DEFAULT 0,
  -- The share of users in JSON, and when it was calculated.
  allocation TEXT,
  calculated_at INTEGER NOT NULL DEFAULT 0,
  last_user_at INTEGER,
  background_seen INTEGER NOT NULL DEFAULT 0,
  priority_mode_activations INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE rate_activity (
  resource TEXT NOT NULL,
  -- When the bucket begins.
  bucket INTEGER NOT NULL,
  user INTEGER NOT NULL,
  background INTEGER NOT NULL,
  PRIMARY KEY (resource, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE write_queues (
  id INTEGER PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  -- The number of the last write; never falls.
  sequence INTEGER NOT NULL,
  -- What is queued: keys and values.
  writes INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  -- Unix milliseconds; if the clock shows less, it was set back, and due_at of all keys goes back with it.
  seen_at INTEGER NOT NULL
) STRICT;
-- A row for each key that has a queued write.
CREATE TABLE queued_keys (
  queue INTEGER NOT NULL,
  hash TEXT NOT NULL,
  -- Not received before: the end of the lease, or of the pause.
  due_at INTEGER NOT NULL,
  -- How often the oldest write was received.
  attempts INTEGER NOT NULL,
  -- Drawn at random for each delivery; NULL while there is none.
  receipt INTEGER,
  -- When the oldest write was accepted.
  oldest_at INTEGER NOT NULL,
  PRIMARY KEY (queue, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_queued_keys_due_at ON queued_keys (queue, due_at);
CREATE TABLE queued_writes (
  id INTEGER PRIMARY KEY NOT NULL,
  queue INTEGER NOT NULL,
  hash TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  value BLOB NOT NULL,
  -- CRC-32 of key, sequence, queued_at and value.
  checksum INTEGER NOT NULL,
  UNIQUE (queue, hash, sequence)
) STRICT;
