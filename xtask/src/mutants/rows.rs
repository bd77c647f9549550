//! The rows and the tests that hold them, as docs/features.md has them.
//!
//! The page is generated from both, and `tidy` keeps it up to date.

use std::collections::BTreeSet;

use crate::tree::Tree;

const FEATURES: &str = "docs/features.md";

/// The mistakes not to repeat, and the cases of all rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// In the order of the page.
    pub(super) mistakes: Vec<Mistake>,
    cases: BTreeSet<String>,
}

/// One mistake that is not to be repeated.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Mistake {
    pub(super) row: String,
    /// What went wrong, in a few words.
    pub(super) what: String,
}

impl Rows {
    pub(super) fn has_case(&self, case: &str) -> bool {
        self.cases.contains(case)
    }

    pub(super) fn mistake(&self, row: &str) -> Option<&Mistake> {
        self.mistakes.iter().find(|mistake| mistake.row == row)
    }
}

pub(super) fn read(tree: &Tree) -> Rows {
    let mut rows = Rows::default();
    for line in tree.text(FEATURES).unwrap_or_default().lines() {
        let mut cells = line.trim_matches('|').splitn(3, " | ").map(str::trim);
        let (Some(id), Some(what), Some(tests)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        if is_mistake(id) {
            rows.mistakes.push(Mistake {
                row: id.to_owned(),
                what: what.to_owned(),
            });
        }
        let cases = tests.split('`').skip(1).step_by(2);
        rows.cases.extend(cases.map(str::to_owned));
    }
    rows
}

fn is_mistake(id: &str) -> bool {
    let number = id.strip_prefix('F').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
pub(super) fn planted(lines: &str) -> Rows {
    read(&Tree::of(&[(FEATURES, lines)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_read_with_their_titles_and_cases_of_all_rows() {
        let rows = planted(
            "# Features\n\n| row | what | covered by |\n|---|---|---|\n\
             | A1 | a cache | store-core: `a`; store-sqlite: `b`, `c` |\n\
             | F2 | retries were not counted | open |\n",
        );
        assert_eq!(rows.mistakes.len(), 1);
        assert_eq!(rows.mistake("F2").unwrap().what, "retries were not counted");
        assert!(rows.has_case("a") && rows.has_case("b") && rows.has_case("c"));
        assert!(!rows.has_case("open"));
    }
}
