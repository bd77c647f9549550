-- The targets whose answers are known to serve nobody else, until then: requests for them do not wait for each other.
CREATE TABLE hit_for_miss (
    -- Of those that were written last, so many are kept.
    sequence INTEGER PRIMARY KEY,
    url_key BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;
