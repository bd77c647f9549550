-- The targets whose responses were changed lately, for processes that keep copies of them in memory. Triggers, so that
-- every way to change what a lookup finds takes part, in the transaction of the change.
CREATE TABLE target_changes (
    -- Rises, because the newest row is never removed.
    sequence INTEGER PRIMARY KEY,
    -- NULL in the first row, which is no change.
    url_key BLOB
) STRICT;

INSERT INTO target_changes (sequence, url_key) VALUES (1, NULL);

CREATE TRIGGER target_changes_bound AFTER INSERT ON target_changes WHEN NEW.sequence % 256 = 0 BEGIN
    DELETE FROM target_changes WHERE sequence <= NEW.sequence - 4096;
END;

CREATE TRIGGER variants_insert AFTER INSERT ON variants BEGIN
    INSERT INTO target_changes (url_key) VALUES (NEW.url_key);
END;

CREATE TRIGGER variants_update AFTER UPDATE ON variants BEGIN
    INSERT INTO target_changes (url_key) VALUES (NEW.url_key);
END;

CREATE TRIGGER variants_delete AFTER DELETE ON variants BEGIN
    INSERT INTO target_changes (url_key) VALUES (OLD.url_key);
END;

-- A new head, or a soft purge, which leave the variant as it is.
CREATE TRIGGER responses_update AFTER UPDATE OF headers, stale_since ON responses BEGIN
    INSERT INTO target_changes (url_key)
    SELECT u.url_key FROM requests q JOIN urls u USING (url_id) WHERE q.request_id = NEW.response_id;
END;
