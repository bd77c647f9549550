//! The SQLite stores, on real files and with real processes.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod children;
mod npm_file;
mod support;

mod conformance;
mod failures;
mod fixtures;
mod jobs_across_processes;
mod killed_takeovers;
mod limits_across_processes;
mod operations;
mod originals;
mod refusals;
mod schema;
mod stores;
mod take_over;
