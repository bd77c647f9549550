//! The chores from outside: which cargo commands they start, and how they end.

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use tempfile::TempDir;

/// In place of cargo: prints its directory and its arguments, one a line, and ends with a status of
/// its own.
const CARGO: &str = "#!/bin/sh
pwd
printf '%s\\n' \"$@\"
exit 7
";

/// Runs `cargo xtask` with these arguments in a folder of its own, before a cargo that only prints.
fn xtask(arguments: &[&str]) -> (TempDir, Output) {
    let folder = TempDir::new().expect("a folder");
    let cargo = folder.path().join("cargo");
    fs::write(&cargo, CARGO).expect("a script");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("a program");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder.path())
        .env("CARGO", &cargo)
        .output()
        .expect("the program runs");
    (folder, output)
}

#[test]
fn a_forward_hands_on_arguments_directory_and_exit_status() {
    for (chore, words) in [
        ("soak", "--package\nsoak\n--\n"),
        ("bench", "--release\n--\n"),
        ("dynamodb-local", "--package\ndynamodb-local\n--\n"),
        (
            "setup-dynamo",
            "--package\ncomicvine-cli\n--\ntable\nsetup\n",
        ),
        ("migrate", "--package\ncomicvine-cli\n--\ndb\n"),
    ] {
        let (folder, output) = xtask(&[chore, "--help", "a b", "$HOME", "--", "-x"]);
        assert_eq!(output.status.code(), Some(7), "{chore}");
        let printed = String::from_utf8_lossy(&output.stdout);
        let end = format!("{words}--help\na b\n$HOME\n--\n-x\n");
        assert!(printed.ends_with(&end), "{chore}: {printed}");
        let directory = folder.path().canonicalize().expect("the folder");
        let begin = format!("{}\nrun\n", directory.display());
        assert!(printed.starts_with(&begin), "{chore}: {printed}");
    }
}

#[test]
fn a_migration_may_be_written_as_before() {
    let (_folder, output) = xtask(&["migrate", "sqlite", "--database", "comics.db", "plan"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.ends_with("db\n--db\ncomics.db\nplan\n"),
        "{printed}"
    );
}
