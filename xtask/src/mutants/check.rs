//! Whether the mutations still fit the code, without running any.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::tree::Tree;

use super::entry::{Entries, Misplaced, Mutation, PATH};
use super::rows::Rows;

pub(super) fn check(tree: &Tree, entries: &Entries, rows: &Rows) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mutation in &entries.mutations {
        let faults = faults(tree, mutation, rows);
        let faults = faults.into_iter().map(|fault| {
            let message = format!("{}: {fault}", mutation.row);
            Finding::new(PATH, mutation.line(), message)
        });
        findings.extend(faults);
    }
    findings.extend(check_rows(entries, rows));
    findings
}

fn faults(tree: &Tree, mutation: &Mutation, rows: &Rows) -> Vec<String> {
    let mut faults = Vec::new();
    match tree.text(&mutation.file).map(|text| mutation.apply(text)) {
        None => faults.push(format!("`{}` does not exist", mutation.file)),
        Some(Err(misplaced)) => faults.push(told(mutation, misplaced)),
        Some(Ok(_)) if mutation.changes_nothing() => {
            faults.push("`replace` is the same as `find`".to_owned());
        }
        Some(Ok(_)) => {}
    }
    if !rows.has_case(mutation.case()) {
        faults.push(format!(
            "`{}` is no test that covers a row",
            mutation.claim()
        ));
    }
    if rows.mistake(&mutation.row).is_none() {
        faults.push("is no row of mistakes".to_owned());
    }
    faults
}

/// What is wrong with a mutation that has no place of its own.
pub(super) fn told(mutation: &Mutation, Misplaced(count): Misplaced) -> String {
    format!(
        "`find` stands {count} times in {}, not once: follow the code",
        mutation.file
    )
}

/// Each row has a mutation, or a reason to have none.
fn check_rows(entries: &Entries, rows: &Rows) -> Vec<Finding> {
    let mutated: BTreeSet<&str> = entries
        .mutations
        .iter()
        .map(|mutation| mutation.row.as_str())
        .collect();
    let mut findings = Vec::new();
    let mut excused = BTreeSet::new();
    for reason in &entries.reasons {
        for row in &reason.rows {
            if rows.mistake(row).is_none() {
                let message = format!("`{row}` is no row of mistakes");
                findings.push(Finding::new(PATH, reason.line(), message));
            }
            if mutated.contains(row.as_str()) || !excused.insert(row.as_str()) {
                let message = format!("{row} has a mutation, or a reason already");
                findings.push(Finding::new(PATH, reason.line(), message));
            }
        }
    }
    for mistake in &rows.mistakes {
        let row = mistake.row.as_str();
        if !mutated.contains(row) && !excused.contains(row) {
            let message = format!("{row} has no mutation and no reason: {}", mistake.what);
            findings.push(Finding::new(PATH, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{entry, rows};
    use super::*;

    const ROWS: &str = "| F1 | too many | store-core: `never_over` |\n| F2 | too late | open |\n";
    const MUTATION: &str = "[[mutation]]\nrow = \"F1\"\nclaim = \"tests::never_over\"\n\
        package = \"store-core\"\nfile = \"a.rs\"\nfind = \"<\"\nreplace = \"<=\"\nwhy = \"late\"\n";
    const REASON: &str = "[[reason]]\nrows = [\"F2\"]\nwhy = \"there is no clock\"\n";

    fn found(source: &str, entries: &str) -> Vec<String> {
        let tree = Tree::of(&[("a.rs", source)]);
        check(&tree, &entry::planted(entries), &rows::planted(ROWS))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[track_caller]
    fn finds(source: &str, entries: &str, part: &str) {
        let found = found(source, entries);
        assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
    }

    #[test]
    fn mutations_that_fit_are_fine() {
        assert!(found("a < b", &format!("{MUTATION}{REASON}")).is_empty());
    }

    #[test]
    fn a_text_that_stands_nowhere_or_twice_is_found() {
        let entries = format!("{MUTATION}{REASON}");
        finds("a > b", &entries, "F1: `find` stands 0 times in a.rs");
        finds("a < b < c", &entries, "F1: `find` stands 2 times in a.rs");
    }

    #[test]
    fn a_file_that_does_not_exist_is_found() {
        let entries = format!("{MUTATION}{REASON}").replace("a.rs", "b.rs");
        finds("a < b", &entries, "`b.rs` does not exist");
    }

    #[test]
    fn a_mutation_that_changes_nothing_is_found() {
        let entries = format!("{MUTATION}{REASON}").replace("<=", "<");
        finds("a < b", &entries, "the same as `find`");
    }

    #[test]
    fn a_claim_that_is_no_case_is_found() {
        let entries = format!("{MUTATION}{REASON}").replace("never_over", "seldom_over");
        finds("a < b", &entries, "`tests::seldom_over` is no test");
    }

    #[test]
    fn a_row_without_mutation_and_reason_is_found() {
        finds("a < b", MUTATION, "F2 has no mutation and no reason");
    }

    #[test]
    fn a_row_that_does_not_exist_is_found() {
        let entries = format!("{MUTATION}{REASON}").replace("\"F2\"", "\"F2\", \"F99\"");
        finds("a < b", &entries, "`F99` is no row");
        let entries = format!("{MUTATION}{REASON}{MUTATION}").replacen("F1", "F99", 1);
        finds("a < b", &entries, "F99: is no row");
    }

    #[test]
    fn a_reason_for_a_row_with_a_mutation_is_found() {
        let entries = format!("{MUTATION}{REASON}").replace("\"F2\"", "\"F2\", \"F1\"");
        finds("a < b", &entries, "F1 has a mutation");
    }
}
