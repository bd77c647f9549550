//! Integration tests on real files with real processes.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod support;

mod failures;
mod maintenance;
mod migrations;
mod opening;
mod pooling;
mod processes;
mod reading;
mod replaced;
mod set_aside;
mod space;
mod surroundings;
mod transactions;
mod waiting;
mod writing;
