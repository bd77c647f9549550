-- Kept apart from the jobs, whose rows are deleted.
CREATE TABLE dedupe_tokens (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The latest fencing token of all jobs; it only rises.
  last INTEGER NOT NULL
) STRICT;
