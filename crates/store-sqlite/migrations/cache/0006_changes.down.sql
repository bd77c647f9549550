DROP TRIGGER cache_changes_bound;
DROP TRIGGER cache_hide;
DROP TRIGGER cache_delete;
DROP TRIGGER cache_update;
DROP TRIGGER cache_insert;
DROP TABLE cache_changes;
DROP TABLE cache_followers;
