DROP TABLE dedupe_results;

ALTER TABLE dedupe_jobs RENAME TO dedupe_jobs_strict;
CREATE TABLE dedupe_jobs (
  hash TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  status TEXT NOT NULL,
  result BLOB,
  error TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
INSERT INTO dedupe_jobs (hash, job_id, status, result, error, created_at, updated_at)
SELECT hash, job_id, status, result, error, created_at, updated_at FROM dedupe_jobs_strict;
DROP TABLE dedupe_jobs_strict;
CREATE INDEX idx_dedupe_status ON dedupe_jobs (status);
