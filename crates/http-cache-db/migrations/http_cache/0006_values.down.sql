-- The values go; the next cleanup removes the rows of their responses.
DELETE FROM variants WHERE response_id IN (SELECT response_id FROM cached_values);
DROP TRIGGER responses_hide_value;
UPDATE responses SET is_deleted = 1 WHERE response_id IN (SELECT response_id FROM cached_values);
DROP TABLE value_tags;
DROP TABLE cached_values;
