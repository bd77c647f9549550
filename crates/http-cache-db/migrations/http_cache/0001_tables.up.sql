-- An HTTP cache. All times are milliseconds since the Unix epoch. Names and values of header fields are text whose
-- characters stand for bytes (Latin-1). Targets are redacted; keys are salted hashes over the whole target.
-- References to rows that are never deleted (methods, statuses, codecs) are checked by the verifier, not by SQLite.

CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO state (name, value) VALUES
    ('salt', randomblob(16)),
    -- Counts the invalidations.
    ('invalidations', 0),
    -- The invalidation that removed everything, the last one of them.
    ('cleared', 0),
    -- The latest invalidation of which no row is kept.
    ('forgotten', 0),
    -- The response that eviction looked at last.
    ('eviction_hand', 0),
    -- Counts the sweeps of header pairs.
    ('pairs_swept', 0);

CREATE TABLE urls (
    url_id INTEGER PRIMARY KEY,
    -- Found by the variants, so without an index of its own.
    url_key BLOB NOT NULL,
    scheme TEXT NOT NULL,
    domain TEXT NOT NULL,
    port INTEGER,
    path TEXT NOT NULL,
    querystring TEXT,
    fragment TEXT,
    full_url TEXT AS (
        scheme || '://' || domain || ifnull(':' || port, '') || path || ifnull('?' || querystring, '')
        || ifnull('#' || fragment, '')
    ) VIRTUAL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE http_methods (
    method_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO http_methods (method_id, name) VALUES (1, 'GET');

CREATE TABLE http_statuses (
    status_code INTEGER PRIMARY KEY,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE compression_processes (
    compression_process_id INTEGER PRIMARY KEY AUTOINCREMENT,
    full_name TEXT NOT NULL,
    -- The persistent name, by which a reader finds the codec.
    system_name TEXT NOT NULL UNIQUE,
    compression_level INTEGER,
    -- JSON
    options TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL
) STRICT;

-- Identifiers of what may be removed while another process still has them in hand are never used again.
CREATE TABLE body_contents (
    content_id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 before compression; NULL while the body is still arriving.
    content_hash BLOB UNIQUE,
    content_type TEXT,
    content_encoding TEXT,
    mime_category TEXT NOT NULL,
    compression_process_id INTEGER NOT NULL,
    original_size INTEGER NOT NULL,
    content_length INTEGER AS (original_size) VIRTUAL,
    compressed_size INTEGER NOT NULL,
    compression_ratio REAL AS (CAST(original_size AS REAL) / max(compressed_size, 1)) VIRTUAL,
    -- Kept by triggers: how many rows of bodies have it.
    reference_count INTEGER NOT NULL DEFAULT 0,
    -- 0: the whole body is in body_content.
    chunk_count INTEGER NOT NULL DEFAULT 0,
    first_seen_at INTEGER NOT NULL,
    last_referenced_at INTEGER NOT NULL,
    body_content BLOB
) STRICT;

-- A process that has a body of another file in hand, which this one took the place of, must not find its id here.
INSERT INTO sqlite_sequence (name, seq) VALUES ('body_contents', abs(random() % (1 << 47)));

-- Short bodies that nothing refers to are deleted at once.
CREATE INDEX body_contents_unreferenced ON body_contents (last_referenced_at)
WHERE reference_count = 0 AND chunk_count > 0;

CREATE TABLE body_chunks (
    chunk_id INTEGER PRIMARY KEY,
    content_id INTEGER NOT NULL REFERENCES body_contents,
    position INTEGER NOT NULL,
    chunk BLOB NOT NULL,
    UNIQUE (content_id, position)
) STRICT;

CREATE TABLE bodies (
    body_id INTEGER PRIMARY KEY,
    content_id INTEGER NOT NULL REFERENCES body_contents,
    created_at INTEGER NOT NULL,
    last_accessed_at INTEGER,
    access_count INTEGER NOT NULL DEFAULT 0,
    is_deleted INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    previous_version_id INTEGER REFERENCES bodies,
    replaced_at INTEGER
) STRICT;

CREATE INDEX bodies_content ON bodies (content_id);
CREATE INDEX bodies_previous_version ON bodies (previous_version_id) WHERE previous_version_id IS NOT NULL;
CREATE INDEX bodies_replaced ON bodies (replaced_at) WHERE replaced_at IS NOT NULL;

CREATE TABLE requests (
    request_id INTEGER PRIMARY KEY AUTOINCREMENT,
    url_id INTEGER NOT NULL REFERENCES urls,
    method_id INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    -- The body of the request; none is kept at present.
    body_id INTEGER REFERENCES bodies,
    -- JSON: the id of a header pair, or [name, value].
    headers TEXT NOT NULL
) STRICT;

CREATE INDEX requests_url ON requests (url_id);
CREATE INDEX requests_body ON requests (body_id) WHERE body_id IS NOT NULL;

CREATE TABLE responses (
    -- The id of its request, which has one response.
    response_id INTEGER PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
    request_id INTEGER AS (response_id) VIRTUAL,
    status_code INTEGER NOT NULL,
    -- When it was asked for last: validations count.
    requested_at INTEGER NOT NULL,
    responded_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The lifetime by the rules of the cache that stored it, in seconds.
    max_age INTEGER NOT NULL,
    -- 1: must-revalidate, 2: no-cache, 4: no-store.
    cache_control INTEGER NOT NULL,
    must_revalidate INTEGER AS (cache_control & 1) VIRTUAL,
    no_cache INTEGER AS (cache_control >> 1 & 1) VIRTUAL,
    no_store INTEGER AS (cache_control >> 2 & 1) VIRTUAL,
    body_id INTEGER NOT NULL REFERENCES bodies,
    -- Removed, but its rows are still to be deleted.
    is_deleted INTEGER NOT NULL DEFAULT 0,
    headers TEXT NOT NULL
) STRICT;

CREATE INDEX responses_body ON responses (body_id);
CREATE INDEX responses_deleted ON responses (response_id) WHERE is_deleted = 1;

-- What a request looks up: one row per response that may answer. It repeats what other tables have, so it has no
-- foreign keys: each would cost an index of its own.
CREATE TABLE variants (
    url_key BLOB NOT NULL,
    method_id INTEGER NOT NULL,
    -- The selecting fields of the request, hashed; empty if the response does not vary.
    vary_key BLOB NOT NULL,
    -- The Range that a part answered; empty for a whole.
    range TEXT NOT NULL,
    response_id INTEGER NOT NULL,
    content_id INTEGER NOT NULL,
    PRIMARY KEY (url_key, method_id, vary_key, range)
) STRICT, WITHOUT ROWID;

CREATE TABLE header_names (
    header_name_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE header_values (
    header_value_id INTEGER PRIMARY KEY,
    value TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE header_pairs (
    header_pair_id INTEGER PRIMARY KEY AUTOINCREMENT,
    header_name_id INTEGER NOT NULL REFERENCES header_names,
    header_value_id INTEGER NOT NULL REFERENCES header_values,
    -- Found unused: not for new rows, and deleted if it is still unused then.
    is_swept INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX header_pairs_live ON header_pairs (header_name_id, header_value_id) WHERE is_swept = 0;
CREATE INDEX header_pairs_name ON header_pairs (header_name_id);
CREATE INDEX header_pairs_value ON header_pairs (header_value_id);

CREATE TABLE cache_validation (
    response_id INTEGER PRIMARY KEY REFERENCES responses ON DELETE CASCADE,
    validation_id INTEGER AS (response_id) VIRTUAL,
    etag TEXT,
    last_modified INTEGER,
    validator_type TEXT AS (
        CASE WHEN last_modified IS NULL THEN 'etag' WHEN etag IS NULL THEN 'last-modified' ELSE 'both' END
    ) VIRTUAL,
    is_strong_validator INTEGER NOT NULL,
    validated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE cache_statistics (
    response_id INTEGER PRIMARY KEY REFERENCES responses ON DELETE CASCADE,
    statistic_id INTEGER AS (response_id) VIRTUAL,
    request_id INTEGER AS (response_id) VIRTUAL,
    hit_count INTEGER NOT NULL,
    first_hit_at INTEGER NOT NULL,
    last_hit_at INTEGER NOT NULL,
    total_response_time_ms REAL NOT NULL,
    avg_response_time_ms REAL AS (total_response_time_ms / hit_count) VIRTUAL,
    -- Whether it was used since eviction looked at it (SIEVE).
    is_visited INTEGER NOT NULL
) STRICT;

CREATE TABLE compression_metrics (
    body_id INTEGER PRIMARY KEY REFERENCES bodies ON DELETE CASCADE,
    compression_metric_id INTEGER AS (body_id) VIRTUAL,
    original_size INTEGER NOT NULL,
    compressed_size INTEGER NOT NULL,
    compression_time_ms REAL NOT NULL,
    compression_ratio REAL AS (CAST(original_size AS REAL) / max(compressed_size, 1)) VIRTUAL,
    created_at INTEGER NOT NULL
) STRICT;

-- Counts requests by day (of UTC), misses included.
CREATE TABLE hits_by_day (
    day TEXT NOT NULL,
    domain TEXT NOT NULL,
    path TEXT NOT NULL,
    hits INTEGER NOT NULL,
    misses INTEGER NOT NULL,
    hit_bytes INTEGER NOT NULL,
    PRIMARY KEY (day, domain, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE performance_metrics (
    metric_id INTEGER PRIMARY KEY,
    metric_name TEXT NOT NULL,
    metric_value REAL NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

CREATE TABLE purge_events (
    purge_id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    responses INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    purged_at INTEGER NOT NULL
) STRICT;

CREATE TABLE maintenance_log (
    maintenance_id INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    -- JSON
    result TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;

-- The targets that were invalidated lately: what was asked for before must not be stored.
CREATE TABLE invalidations (
    url_key BLOB PRIMARY KEY,
    sequence INTEGER NOT NULL,
    invalidated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invalidations_sequence ON invalidations (sequence);

CREATE TRIGGER bodies_reference AFTER INSERT ON bodies BEGIN
    UPDATE body_contents
    SET reference_count = reference_count + 1, last_referenced_at = max(last_referenced_at, NEW.created_at)
    WHERE content_id = NEW.content_id;
END;

CREATE TRIGGER bodies_release AFTER DELETE ON bodies BEGIN
    UPDATE body_contents SET reference_count = reference_count - 1 WHERE content_id = OLD.content_id;
END;

CREATE TRIGGER responses_delete AFTER UPDATE OF is_deleted ON responses BEGIN
    UPDATE bodies SET is_deleted = NEW.is_deleted WHERE body_id = NEW.body_id;
END;

CREATE VIEW schema_version AS
SELECT version, description, installed_on AS applied_at FROM _migrations_http_cache WHERE success;

CREATE VIEW request_headers AS
SELECT
    r.request_id,
    h.key AS position,
    p.header_pair_id,
    coalesce(n.name, json_extract(h.value, '$[0]')) AS name,
    coalesce(v.value, json_extract(h.value, '$[1]')) AS value
FROM requests r
JOIN json_each(iif(json_valid(r.headers), r.headers, '[]')) h
LEFT JOIN header_pairs p ON h.type = 'integer' AND p.header_pair_id = h.value
LEFT JOIN header_names n ON n.header_name_id = p.header_name_id
LEFT JOIN header_values v ON v.header_value_id = p.header_value_id;

CREATE VIEW response_headers AS
SELECT
    r.response_id,
    h.key AS position,
    p.header_pair_id,
    coalesce(n.name, json_extract(h.value, '$[0]')) AS name,
    coalesce(v.value, json_extract(h.value, '$[1]')) AS value
FROM responses r
JOIN json_each(iif(json_valid(r.headers), r.headers, '[]')) h
LEFT JOIN header_pairs p ON h.type = 'integer' AND p.header_pair_id = h.value
LEFT JOIN header_names n ON n.header_name_id = p.header_name_id
LEFT JOIN header_values v ON v.header_value_id = p.header_value_id;

CREATE VIEW compression_effectiveness AS
SELECT
    c.mime_category,
    p.system_name AS codec,
    count(*) AS total_items,
    sum(c.original_size) AS original_bytes,
    sum(c.compressed_size) AS compressed_bytes,
    CAST(sum(c.original_size) AS REAL) / max(sum(c.compressed_size), 1) AS compression_ratio
FROM body_contents c JOIN compression_processes p USING (compression_process_id)
WHERE c.reference_count > 0
GROUP BY c.mime_category, p.system_name;

CREATE VIEW hit_rate_by_day AS
SELECT
    day,
    sum(hits) AS hits,
    sum(misses) AS misses,
    CAST(sum(hits) AS REAL) / max(sum(hits) + sum(misses), 1) AS hit_rate,
    sum(hit_bytes) AS hit_bytes
FROM hits_by_day GROUP BY day;

CREATE VIEW hit_rate_by_host AS
SELECT
    domain,
    sum(hits) AS hits,
    sum(misses) AS misses,
    CAST(sum(hits) AS REAL) / max(sum(hits) + sum(misses), 1) AS hit_rate,
    sum(hit_bytes) AS hit_bytes
FROM hits_by_day GROUP BY domain;

CREATE VIEW hit_rate_by_path AS
SELECT
    domain,
    path,
    sum(hits) AS hits,
    sum(misses) AS misses,
    CAST(sum(hits) AS REAL) / max(sum(hits) + sum(misses), 1) AS hit_rate,
    sum(hit_bytes) AS hit_bytes
FROM hits_by_day GROUP BY domain, path;

-- One row per stored response.
CREATE VIEW stored_responses AS
SELECT
    r.response_id,
    u.full_url,
    m.name AS method,
    r.status_code,
    r.responded_at,
    r.expires_at,
    c.content_type,
    c.original_size,
    c.compressed_size,
    p.system_name AS codec,
    b.version,
    coalesce(s.hit_count, 0) AS hit_count,
    s.last_hit_at
FROM responses r
JOIN requests q USING (request_id)
JOIN urls u USING (url_id)
JOIN http_methods m USING (method_id)
JOIN bodies b ON b.body_id = r.body_id
JOIN body_contents c USING (content_id)
JOIN compression_processes p USING (compression_process_id)
LEFT JOIN cache_statistics s ON s.response_id = r.response_id
WHERE r.is_deleted = 0;

CREATE VIEW stale_responses AS
SELECT * FROM stored_responses WHERE expires_at <= unixepoch('subsec') * 1000;

CREATE VIEW never_hit_responses AS
SELECT * FROM stored_responses WHERE hit_count = 0;

-- The bytes that equal bodies would take if each were stored for itself.
CREATE VIEW deduplication_savings AS
SELECT
    content_id,
    content_type,
    reference_count,
    compressed_size,
    (reference_count - 1) * compressed_size AS saved_bytes
FROM body_contents WHERE reference_count > 1;
