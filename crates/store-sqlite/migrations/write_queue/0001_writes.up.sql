-- Writes that were accepted and are not delivered yet, in order per key.
CREATE TABLE write_queues (
  id INTEGER PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  -- The number of the last write; never falls.
  sequence INTEGER NOT NULL,
  -- What is queued: keys and values.
  writes INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  -- Unix milliseconds; if the clock shows less, it was set back, and due_at of all keys goes back with it.
  seen_at INTEGER NOT NULL
) STRICT;
-- A row for each key that has a queued write.
CREATE TABLE queued_keys (
  queue INTEGER NOT NULL,
  hash TEXT NOT NULL,
  -- Not received before: the end of the lease, or of the pause.
  due_at INTEGER NOT NULL,
  -- How often the oldest write was received.
  attempts INTEGER NOT NULL,
  -- Drawn at random for each delivery; NULL while there is none.
  receipt INTEGER,
  -- When the oldest write was accepted.
  oldest_at INTEGER NOT NULL,
  PRIMARY KEY (queue, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_queued_keys_due_at ON queued_keys (queue, due_at);
CREATE TABLE queued_writes (
  id INTEGER PRIMARY KEY NOT NULL,
  queue INTEGER NOT NULL,
  hash TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  value BLOB NOT NULL,
  -- CRC-32 of key, sequence, queued_at and value.
  checksum INTEGER NOT NULL,
  UNIQUE (queue, hash, sequence)
) STRICT;
