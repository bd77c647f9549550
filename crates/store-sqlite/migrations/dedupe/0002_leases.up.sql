-- Owners hold leases. Jobs that an original package left pending have none: the next caller takes
-- them over.
DROP INDEX IF EXISTS idx_dedupe_status;
ALTER TABLE dedupe_jobs RENAME TO dedupe_jobs_seed;
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
  result BLOB
) STRICT;
INSERT INTO dedupe_jobs
  (hash, job_id, status, created_at, updated_at, lease_until, lease_ms, priority, error, result)
SELECT hash, CAST(job_id AS TEXT), CAST(status AS TEXT), CAST(created_at AS INTEGER),
       CAST(updated_at AS INTEGER), CAST(updated_at AS INTEGER), 0, 'background',
       CAST(error AS TEXT), CAST(result AS BLOB)
FROM dedupe_jobs_seed
WHERE typeof(hash) = 'text';
DROP TABLE dedupe_jobs_seed;

-- Ended jobs whose key has a new owner, for those who joined them.
CREATE TABLE dedupe_results (
  job_id TEXT PRIMARY KEY NOT NULL,
  hash TEXT NOT NULL,
  status TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  error TEXT,
  result BLOB
) STRICT;
