-- When a cooldown was set, so that one that seems to begin in the future is known to come from a clock that
-- was set back since.
ALTER TABLE server_cooldowns ADD COLUMN set_at INTEGER;
