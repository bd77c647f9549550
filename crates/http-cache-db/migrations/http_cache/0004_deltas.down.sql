-- Older versions that are stored as differences cannot be read any more: they go, with those before them.
CREATE TEMP TABLE doomed AS
WITH RECURSIVE older (body_id) AS (
    SELECT b.body_id FROM bodies b JOIN body_contents c USING (content_id) WHERE c.base_content_id IS NOT NULL
    UNION
    SELECT b.previous_version_id FROM bodies b JOIN older o USING (body_id) WHERE b.previous_version_id IS NOT NULL
)
SELECT body_id FROM older;
UPDATE bodies SET previous_version_id = NULL WHERE previous_version_id IN (SELECT body_id FROM doomed);
DELETE FROM compression_metrics WHERE body_id IN (SELECT body_id FROM doomed);
DELETE FROM bodies WHERE body_id IN (SELECT body_id FROM doomed);
DELETE FROM body_contents WHERE reference_count = 0 AND chunk_count = 0;
DROP TABLE doomed;
ALTER TABLE body_contents DROP COLUMN base_content_id;
