-- What was purged softly would be fresh again: it is removed.
UPDATE responses SET is_deleted = 1 WHERE stale_since IS NOT NULL;
DELETE FROM variants WHERE response_id IN (SELECT response_id FROM responses WHERE is_deleted = 1);
DROP VIEW response_tags;
DROP TRIGGER tagged_responses_delete;
DROP TABLE tagged_responses;
DROP TABLE tags;
DROP INDEX urls_path;
DROP INDEX invalidations_prefix;
ALTER TABLE invalidations DROP COLUMN prefix;
ALTER TABLE responses DROP COLUMN stale_since;
