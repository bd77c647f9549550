//! The program from outside: what it prints and how it ends.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod campaigns;

use std::process::{Command, Output};

/// Runs `soak` with these arguments.
fn soak(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_soak"))
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
