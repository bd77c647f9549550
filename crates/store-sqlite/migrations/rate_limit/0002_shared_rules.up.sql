-- Admissions remember how long they matter; rules, demand and the share of users move from the
-- processes into the file.
DROP INDEX IF EXISTS idx_rate_limit_resource;
DROP INDEX IF EXISTS idx_rate_limit_timestamp;
DROP INDEX IF EXISTS idx_rate_limit_resource_priority_timestamp;
ALTER TABLE rate_limits RENAME TO rate_limits_seed;
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
-- The innermost `priority` is the table's own column where it has one, and that of `missing` where
-- it does not: one statement reads both forms. How long these admissions matter is not known; a
-- day exceeds every window that the original packages document.
INSERT INTO rate_limits (id, resource, timestamp, priority, keep_until, permit)
SELECT
  seed.id,
  seed.resource,
  seed.timestamp,
  (SELECT CASE priority WHEN 'user' THEN 'user' ELSE 'background' END
   FROM rate_limits_seed AS own WHERE own.id = seed.id),
  seed.timestamp + 86400000,
  NULL
FROM (SELECT 'background' AS priority) AS missing
CROSS JOIN (
  SELECT id, CAST(resource AS TEXT) AS resource, CAST(timestamp AS INTEGER) AS timestamp
  FROM rate_limits_seed
) AS seed;
DROP TABLE rate_limits_seed;
CREATE INDEX idx_rate_limit_resource_timestamp ON rate_limits (resource, timestamp, priority);

ALTER TABLE server_cooldowns RENAME TO server_cooldowns_seed;
CREATE TABLE server_cooldowns (
  origin TEXT PRIMARY KEY NOT NULL,
  cooldown_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO server_cooldowns (origin, cooldown_until)
SELECT origin, CAST(cooldown_until AS INTEGER) FROM server_cooldowns_seed
WHERE typeof(origin) = 'text';
DROP TABLE server_cooldowns_seed;

CREATE TABLE rate_resources (
  resource TEXT PRIMARY KEY NOT NULL,
  -- What was stated for the resource, in JSON, and how often.
  config TEXT,
  config_version INTEGER NOT NULL DEFAULT 0,
  -- What callers claim it under while nothing is stated, in JSON; for listings.
  claimed TEXT,
  -- The longest window that the resource ever had.
  keep_ms INTEGER NOT NULL DEFAULT 0,
  -- The share of users in JSON, and when it was calculated.
  allocation TEXT,
  calculated_at INTEGER NOT NULL DEFAULT 0,
  last_user_at INTEGER,
  background_seen INTEGER NOT NULL DEFAULT 0,
  priority_mode_activations INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO rate_resources (resource, last_user_at, background_seen)
SELECT resource, max(timestamp) FILTER (WHERE priority = 'user'), max(priority = 'background')
FROM rate_limits GROUP BY resource;
CREATE TABLE rate_activity (
  resource TEXT NOT NULL,
  -- When the bucket begins.
  bucket INTEGER NOT NULL,
  user INTEGER NOT NULL,
  background INTEGER NOT NULL,
  PRIMARY KEY (resource, bucket)
) STRICT, WITHOUT ROWID;
INSERT INTO rate_activity (resource, bucket, user, background)
SELECT resource, timestamp / 1000 * 1000, sum(priority = 'user'), sum(priority = 'background')
FROM rate_limits GROUP BY 1, 2;
