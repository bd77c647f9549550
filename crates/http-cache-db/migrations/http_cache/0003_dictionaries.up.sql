-- What bodies of one host have in common: they are compressed with it.
CREATE TABLE compression_dictionaries (
    dictionary_id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The beginning of the SHA-256 of the content, in hexadecimal.
    name TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    -- 1: new bodies of the host are compressed with it.
    is_current INTEGER NOT NULL DEFAULT 1,
    sample_count INTEGER NOT NULL,
    trained_at INTEGER NOT NULL,
    -- Kept by triggers: how many bodies are compressed with it.
    reference_count INTEGER NOT NULL DEFAULT 0,
    content BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX compression_dictionaries_current ON compression_dictionaries (domain) WHERE is_current = 1;

-- A codec with a dictionary goes with it.
ALTER TABLE compression_processes ADD COLUMN dictionary_id INTEGER REFERENCES compression_dictionaries ON DELETE CASCADE;

CREATE INDEX compression_processes_dictionary ON compression_processes (dictionary_id) WHERE dictionary_id IS NOT NULL;

CREATE TRIGGER body_contents_use_dictionary AFTER INSERT ON body_contents BEGIN
    UPDATE compression_dictionaries SET reference_count = reference_count + 1 WHERE dictionary_id =
        (SELECT dictionary_id FROM compression_processes WHERE compression_process_id = NEW.compression_process_id);
END;

CREATE TRIGGER body_contents_leave_dictionary AFTER DELETE ON body_contents BEGIN
    UPDATE compression_dictionaries SET reference_count = reference_count - 1 WHERE dictionary_id =
        (SELECT dictionary_id FROM compression_processes WHERE compression_process_id = OLD.compression_process_id);
END;

CREATE TRIGGER body_contents_change_dictionary AFTER UPDATE OF compression_process_id ON body_contents BEGIN
    UPDATE compression_dictionaries SET reference_count = reference_count - 1 WHERE dictionary_id =
        (SELECT dictionary_id FROM compression_processes WHERE compression_process_id = OLD.compression_process_id);
    UPDATE compression_dictionaries SET reference_count = reference_count + 1 WHERE dictionary_id =
        (SELECT dictionary_id FROM compression_processes WHERE compression_process_id = NEW.compression_process_id);
END;

INSERT INTO state (name, value) VALUES
    -- The body that was looked at last, whether it gets shorter if it is compressed again.
    ('recompression_hand', 0);
