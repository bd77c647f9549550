ALTER TABLE server_cooldowns DROP COLUMN set_at;
