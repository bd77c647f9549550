//! docs/mutants.md: which mistake is put back how, and which test notices.

use std::fmt::Write as _;

use crate::finding::Finding;
use crate::tree::Tree;

use super::PAGE;
use super::entry::Entries;
use super::rows::Rows;

const INTRODUCTION: &str = "\
# Mutants

<!-- Written by `cargo xtask mutants --page` from the mutations; edit those instead. -->

A test that has never failed has shown nothing. For each mistake that [features.md](features.md)
lists and that the code here could make again, one small change of the code makes it, and the test
beside it fails. `cargo xtask mutants` does so for every one, in a copy of the repository, and fails
if a change goes unnoticed; `cargo xtask mutants --row F4` does one of them. The changes themselves
are in `xtask/src/mutants/mutations.toml`. `cargo xtask tidy` sees to it that they fit the code.
";

pub(super) fn render(entries: &Entries, rows: &Rows) -> String {
    let mut page =
        format!("{INTRODUCTION}\n| row | mistake | the change | caught by |\n|---|---|---|---|\n");
    let mut without = String::new();
    for mistake in &rows.mistakes {
        let (row, what) = (&mistake.row, &mistake.what);
        for mutation in entries.mutations.iter().filter(|it| it.row == *row) {
            let (why, package, claim) = (cell(&mutation.why), &mutation.package, mutation.claim());
            // Writing to a string cannot fail.
            let _ = writeln!(page, "| {row} | {what} | {why} | {package}: `{claim}` |");
        }
        for reason in entries.reasons.iter().filter(|it| it.rows.contains(row)) {
            let why = cell(reason.why.as_ref());
            let _ = writeln!(without, "| {row} | {what} | {why} |");
        }
    }
    if !without.is_empty() {
        let heading = "\n## Rows without a mutation\n\n| row | mistake | why |\n|---|---|---|\n";
        page.push_str(heading);
        page.push_str(&without);
    }
    page
}

/// Finds a page that is not what would be written.
pub(super) fn check(tree: &Tree, entries: &Entries, rows: &Rows) -> Option<Finding> {
    let written = tree.text(PAGE).unwrap_or_default();
    let page = render(entries, rows);
    let same = written
        .lines()
        .zip(page.lines())
        .take_while(|(written, page)| written == page)
        .count();
    (written != page).then(|| {
        let message = "out of date: run `cargo xtask mutants --page` and commit the page";
        Finding::new(PAGE, same + 1, message)
    })
}

/// A bar would end the table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::super::{entry, rows};
    use super::*;

    fn planted() -> (Entries, Rows) {
        let entries = entry::planted(
            "[[reason]]\nrows = [\"F2\"]\nwhy = \"there is no clock\"\n\
             [[mutation]]\nrow = \"F1\"\nclaim = \"cache::a\"\npackage = \"store-core\"\n\
             file = \"a.rs\"\nfind = \"<\"\nreplace = \"<=\"\nwhy = \"a|b\"\n",
        );
        (
            entries,
            rows::planted("| F1 | too many | open |\n| F2 | too late | open |\n"),
        )
    }

    #[test]
    fn mutations_and_reasons_are_told_in_the_order_of_the_rows() {
        let (entries, rows) = planted();
        let page = render(&entries, &rows);
        let expected = "
| row | mistake | the change | caught by |
|---|---|---|---|
| F1 | too many | a\\|b | store-core: `cache::a` |

## Rows without a mutation

| row | mistake | why |
|---|---|---|
| F2 | too late | there is no clock |
";
        assert!(page.ends_with(expected), "{page}");
    }

    #[test]
    fn a_page_out_of_date_is_found() {
        let (entries, rows) = planted();
        let page = render(&entries, &rows);
        let found = |page: &str| check(&Tree::of(&[(PAGE, page)]), &entries, &rows);
        assert_eq!(found(&page), None);
        let finding = found(&page.replace("a\\|b", "c")).unwrap().to_string();
        assert!(finding.contains("cargo xtask mutants --page"), "{finding}");
    }
}
