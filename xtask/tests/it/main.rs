//! The chores from outside: what they print, where they write and how they end.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod migrate;
mod setup_dynamo;
mod soak;

use std::process::{Command, Output};

/// Runs `cargo xtask` with these arguments.
fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// What it printed.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Why it failed.
#[track_caller]
fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{}", printed(output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
