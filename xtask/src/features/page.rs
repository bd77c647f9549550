//! The page itself. The same rows and covers always give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::covers::Cover;
use super::rows::{Group, Row};

const INTRODUCTION: &str = "\
# Features

<!-- Written by `cargo xtask features` from the rows and the tests; edit those instead. -->

What the libraries that came before offer, and what went wrong in them, row by row, with the tests
that hold each row here. *open* means that no test names the row yet, *different* that this project
does it another way on purpose. [testing.md](testing.md) says how a test names its rows.
";

/// The status of a row.
enum Status {
    Covered(String),
    Different(String),
    Open,
}

/// The number of rows by status.
#[derive(Default)]
struct Count {
    rows: usize,
    covered: usize,
    different: usize,
}

pub(crate) fn render(groups: &[Group], covers: &[Cover]) -> String {
    let mut total = Count::default();
    let mut tables = String::new();
    for group in groups {
        let mut count = Count::default();
        let mut table = String::new();
        for row in &group.rows {
            let status = status(row, covers);
            count.add(&status);
            let shown = match status {
                Status::Covered(tests) => tests,
                Status::Different(why) => format!("different: {why}"),
                Status::Open => "open".to_owned(),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "| {} | {} | {} |",
                row.id,
                cell(&row.what),
                cell(&shown)
            );
        }
        let _ = write!(
            tables,
            "\n## {}\n\n{}.\n\n| row | what | covered by |\n|---|---|---|\n{table}",
            group.heading,
            count.sentence()
        );
        total.rows += count.rows;
        total.covered += count.covered;
        total.different += count.different;
    }
    format!("{INTRODUCTION}\n**{}.**\n{tables}", total.sentence())
}

fn status(row: &Row, covers: &[Cover]) -> Status {
    let mut by_crate: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for cover in covers.iter().filter(|cover| cover.row == row.id) {
        by_crate
            .entry(&cover.crate_name)
            .or_default()
            .insert(&cover.case);
    }
    let tests: Vec<String> = by_crate
        .iter()
        .map(|(name, cases)| {
            let cases: Vec<String> = cases.iter().map(|case| format!("`{case}`")).collect();
            format!("{name}: {}", cases.join(", "))
        })
        .collect();
    let tests = tests.join("; ");
    match (&row.different, tests.is_empty()) {
        (Some(why), true) => Status::Different(why.clone()),
        (Some(why), false) => Status::Different(format!("{why} ({tests})")),
        (None, true) => Status::Open,
        (None, false) => Status::Covered(tests),
    }
}

impl Count {
    fn add(&mut self, status: &Status) {
        self.rows += 1;
        match status {
            Status::Covered(_) => self.covered += 1,
            Status::Different(_) => self.different += 1,
            Status::Open => {}
        }
    }

    fn sentence(&self) -> String {
        let open = self.rows - self.covered - self.different;
        format!(
            "{} rows: {} covered, {} different, {open} open",
            self.rows, self.covered, self.different
        )
    }
}

/// A bar would end the table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, different: Option<&str>) -> Row {
        Row {
            id: id.to_owned(),
            what: format!("what {id} is"),
            different: different.map(str::to_owned),
        }
    }

    fn cover(row: &str, crate_name: &str, case: &str) -> Cover {
        Cover {
            row: row.to_owned(),
            crate_name: crate_name.to_owned(),
            case: case.to_owned(),
            path: String::new(),
            line: 1,
        }
    }

    #[test]
    fn a_row_is_covered_different_or_open() {
        let groups = [Group {
            heading: "Letters".to_owned(),
            rows: vec![row("A1", None), row("A2", Some("a|b")), row("A3", None)],
        }];
        let covers = [
            cover("A1", "store-sqlite", "y"),
            cover("A1", "store-core", "z"),
            cover("A1", "store-core", "x"),
            cover("A1", "store-core", "x"),
        ];
        let page = render(&groups, &covers);
        let expected = "
**3 rows: 1 covered, 1 different, 1 open.**

## Letters

3 rows: 1 covered, 1 different, 1 open.

| row | what | covered by |
|---|---|---|
| A1 | what A1 is | store-core: `x`, `z`; store-sqlite: `y` |
| A2 | what A2 is | different: a\\|b |
| A3 | what A3 is | open |
";
        assert!(page.ends_with(expected), "{page}");
    }

    #[test]
    fn a_test_of_a_different_row_is_shown_with_the_reason() {
        let groups = [Group {
            heading: "Letters".to_owned(),
            rows: vec![row("A1", Some("on purpose"))],
        }];
        let page = render(&groups, &[cover("A1", "store-core", "x")]);
        assert!(
            page.contains("different: on purpose (store-core: `x`)"),
            "{page}"
        );
    }
}
