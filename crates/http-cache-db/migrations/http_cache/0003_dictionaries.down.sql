-- What is compressed with a dictionary cannot be read without it: it is removed as what is invalid, and fetched again.
UPDATE responses SET is_deleted = 1 WHERE response_id IN (
    WITH RECURSIVE later (body_id) AS (
        SELECT b.body_id FROM bodies b JOIN body_contents USING (content_id)
        JOIN compression_processes p USING (compression_process_id) WHERE p.dictionary_id IS NOT NULL
        UNION
        SELECT b.body_id FROM bodies b JOIN later l ON b.previous_version_id = l.body_id
    )
    SELECT r.response_id FROM later JOIN responses r USING (body_id)
);
DELETE FROM variants WHERE response_id IN (SELECT response_id FROM responses WHERE is_deleted = 1);
DELETE FROM state WHERE name = 'recompression_hand';
-- A dictionary of the same name that is trained later has a row of its own.
UPDATE compression_processes SET system_name = system_name || '-removed-' || compression_process_id
WHERE dictionary_id IS NOT NULL;
DROP TRIGGER body_contents_change_dictionary;
DROP TRIGGER body_contents_leave_dictionary;
DROP TRIGGER body_contents_use_dictionary;
DROP INDEX compression_processes_dictionary;
ALTER TABLE compression_processes DROP COLUMN dictionary_id;
DROP TABLE compression_dictionaries;
