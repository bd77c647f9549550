DROP TABLE dedupe_jobs;
