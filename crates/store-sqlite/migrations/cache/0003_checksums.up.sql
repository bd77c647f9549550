-- The number of invalidations when the value was stored; those of earlier versions precede all to come.
ALTER TABLE cache ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
-- CRC-32 of the key, the other columns that are read with it, and the value; NULL in rows of earlier versions.
ALTER TABLE cache ADD COLUMN checksum INTEGER;
