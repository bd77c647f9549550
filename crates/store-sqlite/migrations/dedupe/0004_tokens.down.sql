DROP TABLE dedupe_tokens;
