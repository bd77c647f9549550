-- The tables of the original packages. Files that these packages wrote have them already.
CREATE TABLE IF NOT EXISTS cache (
  hash TEXT PRIMARY KEY,
  value BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_cache_expires_at ON cache (expires_at);
CREATE TABLE IF NOT EXISTS cache_tags (
  tag TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tag, hash)
);
