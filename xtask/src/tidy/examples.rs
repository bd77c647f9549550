//! The README's Rust examples are ones that run.
//!
//! A README is no doctest: its examples leave out the set-up. The crates' own pages have the same
//! examples with the set-up hidden, and `cargo test` runs those.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::markdown;
use crate::tree::Tree;

const README: &str = "README.md";

/// Where the examples run.
const RUN_IN: [&str; 2] = [
    "crates/comicvine-client/src/lib.rs",
    "crates/store-sqlite/src/lib.rs",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let run: BTreeSet<&str> = RUN_IN
        .iter()
        .filter_map(|path| tree.text(path))
        .flat_map(documented)
        .collect();
    markdown::lines(tree.text(README).unwrap_or_default())
        .filter(|line| line.fence.is_some_and(is_rust))
        .filter(|line| !line.text.trim().is_empty() && !run.contains(line.text.trim()))
        .map(|line| {
            let [client, store] = RUN_IN;
            let message =
                format!("this line runs nowhere: the docs of {client} or {store} need it");
            Finding::new(README, line.number, message)
        })
        .collect()
}

/// Attributes such as `no_run` may follow the language.
fn is_rust(fence: &str) -> bool {
    fence.split(',').next() == Some("rust")
}

/// The lines of the doc comments in a source file, as a doctest sees them.
fn documented(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let line = line.trim_start();
        let text = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix("///"))?;
        Some(text.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = "\
//! ```
//! # let db = open();
//! let limits = Limits::new(&db);
//! match limits.acquire() {
//!     Granted => send(), // now
//! }
//! ```
mod limits;
";

    fn found(readme: &str, docs: &str) -> Vec<String> {
        check(&Tree::of(&[(README, readme), (RUN_IN[1], docs)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_example_that_runs_is_fine() {
        let readme = "```rust\nlet limits = Limits::new(&db);\n\nmatch limits.acquire() {\n    \
                      Granted => send(), // now\n}\n```\n";
        assert!(found(readme, DOCS).is_empty(), "{:?}", found(readme, DOCS));
    }

    #[test]
    fn a_line_that_runs_nowhere_is_found() {
        let readme = "# Stores\n\n```rust\nlet limits = Limits::open(&db);\nmod limits;\n```\n";
        let found = found(readme, DOCS);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("README.md:4: this line runs nowhere"));
        assert!(found[1].starts_with("README.md:5: "), "code is no example");
    }

    #[test]
    fn an_example_without_documentation_to_run_in_is_found() {
        assert_eq!(found("```rust,no_run\nlet a = 1;\n```\n", "").len(), 1);
    }

    #[test]
    fn other_languages_and_prose_need_not_run() {
        assert!(found("let a = 1;\n```sh\ncargo test\n```\n```\na\n```\n", DOCS).is_empty());
    }
}
