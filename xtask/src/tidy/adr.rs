//! Decision records look like their template: a number, a statement, a status, the same sections.

use crate::finding::Finding;
use crate::tree::{Tree, has_extension};

const FOLDER: &str = "docs/adr";
const TEMPLATE: &str = "docs/adr/template.md";

const SECTION: &str = "## ";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let wanted: Vec<&str> = sections(tree.text(TEMPLATE).unwrap_or_default()).collect();
    tree.under(FOLDER)
        .filter(|path| has_extension(path, "md") && *path != TEMPLATE)
        .zip(1..)
        .flat_map(|(path, number)| {
            let record = tree.text(path).unwrap_or_default();
            check_record(tree, record, number, path, &wanted)
                .into_iter()
                .map(|(line, message)| Finding::new(path, line, message))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What is wrong with the record that comes as the `number`th, and on which line.
fn check_record(
    tree: &Tree,
    record: &str,
    number: usize,
    path: &str,
    wanted: &[&str],
) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    if !path.starts_with(&format!("{FOLDER}/{number:04}-")) {
        wrong.push((1, format!("this is record {number}: number the file so")));
    }
    let title = record.lines().next().unwrap_or_default();
    if !title.starts_with(&format!("# {number}. ")) {
        wrong.push((1, format!("open with `# {number}. ` and the decision")));
    }
    let status = record.lines().nth(2).unwrap_or_default();
    if !is_status(tree, status) {
        let message = "state `Status: accepted` or `Status: replaced by N`, a record there is";
        wrong.push((3, message.to_owned()));
    }
    if !sections(record).eq(wanted.iter().copied()) {
        let message = format!(
            "the sections are those of {TEMPLATE}: {}",
            wanted.join(", ")
        );
        wrong.push((1, message));
    }
    wrong
}

fn is_status(tree: &Tree, line: &str) -> bool {
    let Some(status) = line.strip_prefix("Status: ") else {
        return false;
    };
    let replacement = status
        .strip_prefix("replaced by ")
        .and_then(|number| number.parse::<usize>().ok());
    status == "accepted"
        || replacement.is_some_and(|number| {
            let prefix = format!("{FOLDER}/{number:04}-");
            tree.under(FOLDER).any(|path| path.starts_with(&prefix))
        })
}

fn sections(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| line.strip_prefix(SECTION))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# 1. A decision\n\nStatus: accepted\n\n## Context\n\n## Decision\n";

    /// What is found in the first record, beside a second that is good.
    fn found(path: &str, record: &str) -> Vec<String> {
        let second = GOOD.replace("# 1.", "# 2.");
        let tree = Tree::of(&[
            (
                TEMPLATE,
                "# N. A\n\nStatus: accepted\n\n## Context\n\n## Decision\n",
            ),
            (path, record),
            ("docs/adr/0002-b.md", &second),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn finds(path: &str, record: &str, part: &str) {
        let found = found(path, record);
        assert!(found[0].contains(part), "{found:?}");
    }

    #[test]
    fn a_record_like_the_template_is_fine() {
        let path = "docs/adr/0001-a.md";
        assert!(found(path, GOOD).is_empty());
        assert!(found(path, &GOOD.replace("accepted", "replaced by 2")).is_empty());
    }

    #[test]
    fn a_wrong_number_is_found() {
        finds("docs/adr/0000-a.md", GOOD, "this is record 1");
        finds("docs/adr/0001-a.md", &GOOD.replace("1.", "3."), "# 1. ");
    }

    #[test]
    fn a_status_nobody_knows_is_found() {
        for status in ["proposed", "replaced by 7", "replaced by"] {
            let record = GOOD.replace("accepted", status);
            finds("docs/adr/0001-a.md", &record, "docs/adr/0001-a.md:3: state");
        }
    }

    #[test]
    fn sections_of_its_own_are_found() {
        let record = GOOD.replace("## Context", "## Background");
        finds("docs/adr/0001-a.md", &record, "Context, Decision");
    }
}
