-- Values by key, as the contract of a cache (CacheStore) has them: each is the body of a response.
CREATE TABLE cached_values (
    response_id INTEGER PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
    key TEXT NOT NULL UNIQUE,
    -- When the value was asked for. Of two fills, the one that began later counts.
    began_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- NULL: never.
    expires_at INTEGER
) STRICT;

CREATE INDEX cached_values_expiry ON cached_values (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE value_tags (
    tag TEXT NOT NULL,
    response_id INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    PRIMARY KEY (tag, response_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX value_tags_response ON value_tags (response_id);

-- A removed response is no value from that moment on, though its rows may stay for a while.
CREATE TRIGGER responses_hide_value AFTER UPDATE OF is_deleted ON responses WHEN new.is_deleted = 1 BEGIN
    DELETE FROM cached_values WHERE response_id = new.response_id;
    DELETE FROM value_tags WHERE response_id = new.response_id;
END;

-- Whoever asked for a value before another file took the place of this one has a count of that file in hand, which
-- must not be taken for one of this: this one counts on from the present.
UPDATE state SET value = value + CAST(unixepoch('subsec') * 1000 AS INTEGER)
WHERE name IN ('invalidations', 'forgotten');
