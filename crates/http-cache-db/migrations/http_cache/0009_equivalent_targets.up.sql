-- Responses that answer other targets than their own, because a part of the query does not matter (No-Vary-Search).
CREATE TABLE equivalent_targets (
    -- The salted hash of what matters of the target; of the latest response with the field also that of the target
    -- without its query.
    equivalence_key BLOB PRIMARY KEY,
    base_key BLOB NOT NULL,
    -- The target of the response.
    url_key BLOB NOT NULL,
    -- The field.
    value TEXT NOT NULL,
    response_id INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX equivalent_targets_base ON equivalent_targets (base_key);
CREATE INDEX equivalent_targets_response ON equivalent_targets (response_id);
