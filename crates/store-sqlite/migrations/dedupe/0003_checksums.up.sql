-- Of an ended job: CRC-32 of key, job, status, time and result; NULL in rows of earlier versions.
ALTER TABLE dedupe_jobs ADD COLUMN checksum INTEGER;
ALTER TABLE dedupe_results ADD COLUMN checksum INTEGER;
