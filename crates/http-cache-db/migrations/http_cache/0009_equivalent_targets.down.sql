DROP TABLE equivalent_targets;
