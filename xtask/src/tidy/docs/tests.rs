//! Faults planted in pages.

use super::*;

/// What is found in a page of a repository with one crate.
fn found(page: &str, text: &str) -> Vec<String> {
    let tree = Tree::of(&[
        (page, text),
        ("crates/store-core/src/lib.rs", ""),
        ("docs/style.md", ""),
        ("LICENSE", ""),
    ]);
    check(&tree, &["store-core".to_owned()])
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn finds(page: &str, text: &str, message: &str) {
    assert_eq!(found(page, text), [format!("{page}:1: {message}")]);
}

#[track_caller]
fn fine(page: &str, text: &str) {
    assert!(found(page, text).is_empty(), "{:?}", found(page, text));
}

#[test]
fn a_path_that_does_not_exist_is_found() {
    let message = "`crates/store-core/src/gone.rs` does not exist";
    finds("README.md", "See `crates/store-core/src/gone.rs`.", message);
    finds("docs/a.md", "`xtask/b`", "`xtask/b` does not exist");
}

#[test]
fn a_path_that_exists_is_fine() {
    fine(
        "README.md",
        "See `crates/store-core/src/lib.rs:3` in `crates/`.",
    );
}

#[test]
fn patterns_and_the_paths_of_others_are_not_looked_up() {
    fine(
        "README.md",
        "`crates/*/src`, `crates/<name>/a`, `src/main.rs`, `a/b`",
    );
}

#[test]
fn a_crate_that_does_not_exist_is_found() {
    let message = "`store-redis` is no crate of this workspace";
    finds("CHANGELOG.md", "Add `store-redis`.", message);
    fine(
        "CHANGELOG.md",
        "Add `store-core`, as in `comicvine-rs`, and `sqlite3`.",
    );
}

#[test]
fn a_planned_crate_is_named_as_planned_and_in_one_place() {
    let message = "`http-cache-db` does not exist yet: only docs/architecture.md names it, \
                   marked as planned";
    finds("README.md", "`http-cache-db` (planned)", message);
    finds("docs/architecture.md", "`http-cache-db`", message);
    fine("docs/architecture.md", "`http-cache-db` (planned)");
    fine("docs/architecture.md", "Planned: `http-cache-db`.");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    finds(
        "README.md",
        "[a](docs/b.md#c)",
        "the link to docs/b.md#c leads nowhere",
    );
    finds(
        "docs/a.md",
        "[a](../../b)",
        "the link to ../../b leads nowhere",
    );
}

#[test]
fn a_link_that_leads_somewhere_is_fine() {
    fine(
        "README.md",
        "[a](docs/style.md#b), [c](#d), [e](https://f.example)",
    );
    fine(
        "docs/adr/a.md",
        "[a](../style.md), [b](../../LICENSE), [c](..)",
    );
}

#[test]
fn other_files_are_not_pages() {
    fine("crates/store-core/notes.txt", "`docs/gone.md`");
}
