ALTER TABLE body_chunks DROP COLUMN checksum;
ALTER TABLE body_contents DROP COLUMN checksum;
