-- The table of the original packages. Files that these packages wrote have it already.
CREATE TABLE IF NOT EXISTS dedupe_jobs (
  hash TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  status TEXT NOT NULL,
  result BLOB,
  error TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_dedupe_status ON dedupe_jobs (status);
