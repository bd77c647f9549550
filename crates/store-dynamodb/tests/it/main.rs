//! The stores against a server that speaks DynamoDB.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod batch;
mod breaker;
mod cache;
mod children;
mod cloudwatch;
mod conformance;
mod dedupe;
mod dedupe_across_processes;
mod example;
mod faults;
mod formats;
mod health;
mod housekeeping;
mod monitor;
mod network;
mod pages;
mod parallel;
mod rate_limit_batches;
mod rate_limit_capacity;
mod rate_limit_listing;
mod setup;
mod stores;
mod support;
mod table;
mod through_faults;
mod tiered_across_processes;
mod tokens;
