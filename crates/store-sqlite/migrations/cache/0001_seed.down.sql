DROP TABLE cache_tags;
DROP TABLE cache;
