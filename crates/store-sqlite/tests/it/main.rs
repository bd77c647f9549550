//! Integration tests on real files with real processes.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod children;
mod clocks;
mod npm_file;
mod support;

mod activity;
mod bounds;
mod change_feed;
mod conformance;
mod damaged_values;
mod examples;
mod failures;
mod fixtures;
mod hidden_values;
mod jobs_across_processes;
mod limits_across_processes;
mod lock_across_processes;
mod npm_contents;
mod npm_migration;
mod npm_migration_killed;
mod operations;
mod read_through_across_processes;
mod refusals;
mod schema;
mod stores;
mod surroundings;
mod sweeps;
mod tiered;
mod tiered_across_processes;
mod write_behind_across_processes;
mod write_queue;
