-- CRC-32 of the bytes as they are stored; NULL if their codec has a checksum of its own, and in rows that are older than
-- this column.
ALTER TABLE body_contents ADD COLUMN checksum INTEGER;
ALTER TABLE body_chunks ADD COLUMN checksum INTEGER;
