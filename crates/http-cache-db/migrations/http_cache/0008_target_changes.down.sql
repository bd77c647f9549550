DROP TRIGGER responses_update;
DROP TRIGGER variants_delete;
DROP TRIGGER variants_update;
DROP TRIGGER variants_insert;
DROP TABLE target_changes;
