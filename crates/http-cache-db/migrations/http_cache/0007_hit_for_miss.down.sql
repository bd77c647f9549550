DROP TABLE hit_for_miss;
