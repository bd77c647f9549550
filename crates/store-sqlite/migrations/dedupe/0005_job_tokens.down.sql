DROP TRIGGER dedupe_jobs_removed;
UPDATE dedupe_tokens SET last = max(last, ifnull((SELECT max(token) FROM dedupe_jobs), 0));
ALTER TABLE dedupe_jobs DROP COLUMN token;
-- As a file of the schema before has it that has handed out no token.
DELETE FROM dedupe_tokens WHERE last = 0;
