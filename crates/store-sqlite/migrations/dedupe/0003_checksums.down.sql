ALTER TABLE dedupe_results DROP COLUMN checksum;
ALTER TABLE dedupe_jobs DROP COLUMN checksum;
