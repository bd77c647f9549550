-- The tables of the original packages. Files that these packages wrote have them already, those
-- of the plain limiter without the column `priority`.
CREATE TABLE IF NOT EXISTS rate_limits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  resource TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  priority TEXT NOT NULL DEFAULT 'background'
);
CREATE INDEX IF NOT EXISTS idx_rate_limit_resource ON rate_limits (resource);
CREATE INDEX IF NOT EXISTS idx_rate_limit_timestamp ON rate_limits (timestamp);
CREATE TABLE IF NOT EXISTS server_cooldowns (
  origin TEXT PRIMARY KEY,
  cooldown_until INTEGER NOT NULL
);
