-- The owner's fencing token: greater than those of all earlier owners of the key. The row is written anyway; tokens of rows
-- that are removed go on in dedupe_tokens.
ALTER TABLE dedupe_jobs ADD COLUMN token INTEGER NOT NULL DEFAULT 0;
INSERT OR IGNORE INTO dedupe_tokens (id, last) VALUES (1, 0);
CREATE TRIGGER dedupe_jobs_removed AFTER DELETE ON dedupe_jobs
BEGIN
  UPDATE dedupe_tokens SET last = OLD.token WHERE last < OLD.token;
END;
