-- Values remember when their fill began; invalidations are numbered, so that a fill that began
-- before one of them is recognised.
DROP INDEX IF EXISTS idx_cache_expires_at;
ALTER TABLE cache RENAME TO cache_seed;
CREATE TABLE cache (
  hash TEXT PRIMARY KEY NOT NULL,
  -- Unix milliseconds; 0 is never.
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  fill_began_at INTEGER NOT NULL,
  -- Last, so that reading the others never walks through a long value.
  value BLOB NOT NULL
) STRICT;
INSERT INTO cache (hash, expires_at, created_at, fill_began_at, value)
SELECT hash, CAST(expires_at AS INTEGER), CAST(created_at AS INTEGER),
       CAST(created_at AS INTEGER), CAST(value AS BLOB)
FROM cache_seed
WHERE typeof(hash) = 'text';
DROP TABLE cache_seed;
CREATE INDEX idx_cache_expires_at ON cache (expires_at);

ALTER TABLE cache_tags RENAME TO cache_tags_seed;
CREATE TABLE cache_tags (
  tag TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tag, hash)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO cache_tags (tag, hash)
SELECT tag, hash FROM cache_tags_seed WHERE typeof(tag) = 'text' AND typeof(hash) = 'text';
DROP TABLE cache_tags_seed;
CREATE INDEX idx_cache_tags_hash ON cache_tags (hash);

CREATE TABLE cache_epoch (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The number of invalidations so far.
  epoch INTEGER NOT NULL,
  -- The newest of them that was forgotten.
  horizon INTEGER NOT NULL
) STRICT;
INSERT INTO cache_epoch (id, epoch, horizon) VALUES (1, 0, 0);
CREATE TABLE cache_invalidations (
  -- key:…, scope:…, tag:… or all
  subject TEXT PRIMARY KEY NOT NULL,
  epoch INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_cache_invalidations_at ON cache_invalidations (at);
