//! Each crate has one integration binary: linking is most of what building tests costs.

use crate::finding::Finding;
use crate::tree::{Tree, has_extension};

/// The binary's folder, and that of the files it reads.
const BINARY: &str = "it/";
const FIXTURES: &str = "fixtures/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let tops = ["crates", "tools", "xtask"].into_iter();
    tops.flat_map(|top| tree.under(top))
        .filter_map(|path| Some((path, below_tests(path)?)))
        .filter(|(_, file)| !file.starts_with(BINARY))
        // Cargo makes a binary of any Rust file or folder it finds here.
        .filter(|(_, file)| !file.starts_with(FIXTURES) || has_extension(file, "rs"))
        .map(|(path, _)| {
            let message = "one test binary per crate: move it into `tests/it/`";
            Finding::new(path, 1, message)
        })
        .collect()
}

/// The path below `tests/`, if the file is in a crate's folder of that name.
fn below_tests(path: &str) -> Option<&str> {
    let (top, below) = path.split_once('/')?;
    let (_, file) = match top {
        "xtask" => (top, below),
        _ => below.split_once('/')?,
    };
    file.strip_prefix("tests/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Vec<String> {
        check(&Tree::of(&[(path, "")]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_second_binary_is_found() {
        for path in [
            "crates/a/tests/late.rs",
            "crates/a/tests/late/main.rs",
            "crates/a/tests/fixtures/main.rs",
            "crates/a/tests/notes.txt",
            "tools/a/tests/late.rs",
            "xtask/tests/late.rs",
        ] {
            let expected = format!("{path}:1: one test binary per crate: move it into `tests/it/`");
            assert_eq!(found(path), [expected]);
        }
    }

    #[test]
    fn the_binary_and_its_fixtures_are_fine() {
        for path in [
            "crates/a/tests/it/main.rs",
            "crates/a/tests/fixtures/b.json",
            "crates/a/src/b/tests/c.rs",
            "tools/a/tests/it/main.rs",
            "xtask/tests/it/main.rs",
        ] {
            assert!(found(path).is_empty(), "{path}");
        }
    }
}
