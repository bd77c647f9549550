ALTER TABLE cache_validation DROP COLUMN validation_count;
