//! `cargo xtask migrate` from a shell.

use tempfile::TempDir;

use crate::{complaint, printed, xtask};

#[test]
fn a_database_goes_up_and_down_again_by_command() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("comics.db");
    let path = path.to_str().expect("a path in UTF-8");
    let migrate =
        |rest: &[&str]| xtask(&[&["migrate", "sqlite", "--database", path], rest].concat());

    let missing = complaint(&migrate(&[]));
    assert!(missing.contains("does not exist"), "{missing}");

    let made = migrate(&["up", "--create"]);
    assert!(made.status.success());
    assert!(printed(&made).contains("applied now"), "{}", printed(&made));

    let back = migrate(&["down", "1", "--component", "cache"]);
    assert!(back.status.success());
    assert_eq!(printed(&back).matches("undone now").count(), 1);

    let plan = migrate(&["plan"]);
    assert!(plan.status.success());
    assert!(printed(&plan).contains("-- cache 2 "), "{}", printed(&plan));

    // Without a word for the direction it is up.
    assert_eq!(printed(&migrate(&[])).matches("applied now").count(), 1);
    assert!(!printed(&migrate(&["status"])).contains("pending"));
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("notes.txt");
    let text = "not a database, ".repeat(1_000);
    std::fs::write(&path, &text).expect("a file");
    let shown = path.to_str().expect("a path in UTF-8");
    let complaint = complaint(&xtask(&["migrate", "sqlite", "--database", shown]));
    assert!(complaint.contains("not a SQLite database"), "{complaint}");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
}
