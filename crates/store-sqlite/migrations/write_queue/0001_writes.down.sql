DROP TABLE queued_writes;
DROP TABLE queued_keys;
DROP TABLE write_queues;
