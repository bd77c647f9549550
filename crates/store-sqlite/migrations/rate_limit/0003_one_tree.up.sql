-- An admission becomes one entry of one tree, in the order in which windows are walked; how long it
-- matters is told by its resource.
ALTER TABLE rate_limits RENAME TO rate_limits_indexed;
CREATE TABLE rate_limits (
  resource TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  -- Rises with the timestamp within a resource; between two of them lie at most as many admissions
  -- as between the numbers.
  id INTEGER NOT NULL,
  is_user INTEGER NOT NULL,
  -- Drawn at random, so that a permit that is given back late never meets another's row.
  permit INTEGER,
  PRIMARY KEY (resource, timestamp, id)
) STRICT, WITHOUT ROWID;
INSERT INTO rate_limits (resource, timestamp, id, is_user, permit)
SELECT
  resource,
  timestamp,
  row_number() OVER (PARTITION BY resource ORDER BY timestamp, id),
  priority = 'user',
  permit
FROM rate_limits_indexed;
INSERT INTO rate_resources (resource, keep_ms)
SELECT resource, max(keep_until - timestamp) FROM rate_limits_indexed WHERE true GROUP BY resource
ON CONFLICT (resource) DO UPDATE SET keep_ms = max(keep_ms, excluded.keep_ms);
DROP TABLE rate_limits_indexed;
