DROP TABLE cache_invalidations;
DROP TABLE cache_epoch;

ALTER TABLE cache_tags RENAME TO cache_tags_strict;
CREATE TABLE cache_tags (
  tag TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tag, hash)
);
INSERT INTO cache_tags (tag, hash) SELECT tag, hash FROM cache_tags_strict;
DROP TABLE cache_tags_strict;

ALTER TABLE cache RENAME TO cache_strict;
CREATE TABLE cache (
  hash TEXT PRIMARY KEY,
  value BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
INSERT INTO cache (hash, value, expires_at, created_at)
SELECT hash, value, expires_at, created_at FROM cache_strict;
DROP TABLE cache_strict;
CREATE INDEX idx_cache_expires_at ON cache (expires_at);
