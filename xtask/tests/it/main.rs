//! The chores from outside: which cargo commands they start, and how they end.

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// In place of cargo: prints its process, its directory and its arguments, one a line, and ends with a
/// status of its own.
const CARGO: &str = "#!/bin/sh
echo $$
pwd
printf '%s\\n' \"$@\"
exit 7
";

/// Runs `cargo xtask` with these arguments in a folder of its own, before a cargo that only prints. Returns
/// the folder, the number of the process and its output.
fn xtask(arguments: &[&str]) -> (TempDir, u32, Output) {
    let folder = TempDir::new().expect("a folder");
    let cargo = folder.path().join("cargo");
    fs::write(&cargo, CARGO).expect("a script");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("a program");
    let child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder.path())
        .env("CARGO", &cargo)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let process = child.id();
    let output = child.wait_with_output().expect("the program ends");
    (folder, process, output)
}

#[test]
fn a_forward_becomes_the_program_with_its_arguments_directory_and_exit_status() {
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
        let (folder, process, output) = xtask(&[chore, "--help", "a b", "", "$HOME", "--", "-x"]);
        assert_eq!(output.status.code(), Some(7), "{chore}");
        let printed = String::from_utf8_lossy(&output.stdout);
        let end = format!("{words}--help\na b\n\n$HOME\n--\n-x\n");
        assert!(printed.ends_with(&end), "{chore}: {printed}");
        let directory = folder.path().canonicalize().expect("the folder");
        // The same process, so that a signal reaches the program.
        let begin = format!("{process}\n{}\nrun\n", directory.display());
        assert!(printed.starts_with(&begin), "{chore}: {printed}");
    }
}

#[test]
fn a_migration_may_be_written_as_before() {
    for (old, new) in [
        (
            "sqlite --database comics.db plan",
            "--database comics.db plan",
        ),
        (
            "--database=sqlite down 1 --yes",
            "--database=sqlite down 1 --yes",
        ),
        ("plan --db sqlite", "plan --db sqlite"),
        ("sqlite --database a.db", "--database a.db up"),
    ] {
        let arguments: Vec<&str> = ["migrate"].into_iter().chain(old.split(' ')).collect();
        let (_folder, _process, output) = xtask(&arguments);
        let printed = String::from_utf8_lossy(&output.stdout);
        let end = format!("\ndb\n{}\n", new.replace(' ', "\n"));
        assert!(printed.ends_with(&end), "{printed}");
    }
}
