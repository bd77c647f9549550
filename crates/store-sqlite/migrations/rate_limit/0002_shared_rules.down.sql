DROP TABLE rate_activity;
DROP TABLE rate_resources;

ALTER TABLE server_cooldowns RENAME TO server_cooldowns_strict;
CREATE TABLE server_cooldowns (
  origin TEXT PRIMARY KEY,
  cooldown_until INTEGER NOT NULL
);
INSERT INTO server_cooldowns (origin, cooldown_until)
SELECT origin, cooldown_until FROM server_cooldowns_strict;
DROP TABLE server_cooldowns_strict;

ALTER TABLE rate_limits RENAME TO rate_limits_strict;
CREATE TABLE rate_limits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  resource TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  priority TEXT NOT NULL DEFAULT 'background'
);
INSERT INTO rate_limits (id, resource, timestamp, priority)
SELECT id, resource, timestamp, priority FROM rate_limits_strict;
DROP TABLE rate_limits_strict;
CREATE INDEX idx_rate_limit_resource ON rate_limits (resource);
CREATE INDEX idx_rate_limit_timestamp ON rate_limits (timestamp);
