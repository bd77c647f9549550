-- The body that an older version is stored as a difference to; NULL: it is stored for itself.
ALTER TABLE body_contents ADD COLUMN base_content_id INTEGER;
