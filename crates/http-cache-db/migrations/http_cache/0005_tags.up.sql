-- Since when a response is stale whatever its lifetime is: it was purged softly.
ALTER TABLE responses ADD COLUMN stale_since INTEGER;

-- The beginnings of URLs that were purged lately; url_key is a hash of it then. Those of tags and hosts are hashes as well.
ALTER TABLE invalidations ADD COLUMN prefix TEXT;

CREATE INDEX invalidations_prefix ON invalidations (sequence) WHERE prefix IS NOT NULL;

-- What is purged by host and by prefix is found by it.
CREATE INDEX urls_path ON urls (domain, path);

CREATE TABLE tags (
    tag_id INTEGER PRIMARY KEY,
    -- The origin of which it is a group (RFC 9875); empty if it is a tag of the whole store.
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (name, origin)
) STRICT;

CREATE TABLE tagged_responses (
    tag_id INTEGER NOT NULL REFERENCES tags,
    response_id INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
    -- 1: a request gave it, not a field of the response.
    is_of_request INTEGER NOT NULL,
    PRIMARY KEY (tag_id, response_id, is_of_request)
) STRICT, WITHOUT ROWID;

CREATE INDEX tagged_responses_response ON tagged_responses (response_id);

CREATE TRIGGER tagged_responses_delete AFTER DELETE ON tagged_responses BEGIN
    DELETE FROM tags WHERE tag_id = OLD.tag_id
        AND NOT EXISTS (SELECT 1 FROM tagged_responses WHERE tag_id = OLD.tag_id);
END;

-- One row per tag of a stored response; origin is NULL for a tag of the whole store.
CREATE VIEW response_tags AS
SELECT DISTINCT t.response_id, u.full_url, nullif(g.origin, '') AS origin, g.name
FROM tagged_responses t
JOIN tags g USING (tag_id)
JOIN responses r USING (response_id)
JOIN requests q ON q.request_id = r.response_id
JOIN urls u USING (url_id)
WHERE r.is_deleted = 0;
