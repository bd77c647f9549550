DROP TABLE server_cooldowns;
DROP TABLE rate_limits;
