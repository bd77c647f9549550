ALTER TABLE rate_limits RENAME TO rate_limits_tree;
CREATE TABLE rate_limits (
  id INTEGER PRIMARY KEY,
  resource TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  priority TEXT NOT NULL DEFAULT 'background',
  -- From then on no window holds the admission.
  keep_until INTEGER NOT NULL,
  -- Drawn at random, so that a permit that is given back late never meets another's row.
  permit INTEGER
) STRICT;
-- The sum would leave the integers where a window is as good as endless.
INSERT INTO rate_limits (id, resource, timestamp, priority, keep_until, permit)
SELECT
  row_number() OVER (ORDER BY timestamp, resource, id),
  resource,
  timestamp,
  CASE is_user WHEN 1 THEN 'user' ELSE 'background' END,
  min(timestamp, 9223372036854775807 - keep_ms) + keep_ms,
  permit
FROM rate_limits_tree JOIN rate_resources USING (resource);
DROP TABLE rate_limits_tree;
CREATE INDEX idx_rate_limit_resource_timestamp ON rate_limits (resource, timestamp, priority);
