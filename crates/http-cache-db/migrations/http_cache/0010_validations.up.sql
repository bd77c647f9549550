-- How often the origin has confirmed the response.
ALTER TABLE cache_validation ADD COLUMN validation_count INTEGER NOT NULL DEFAULT 0;
