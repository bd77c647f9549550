//! `cargo xtask mutants`: puts mistakes of the past back, one at a time, to see a test fail.
//!
//! A test that has never failed has shown nothing. Which mistake is made where, and which test
//! notices, is data; the mistakes are made in a copy of the repository, never in the repository.

mod check;
mod entry;
mod page;
mod rows;
mod run;
mod scratch;
mod trial;
mod verdict;

use std::fs;

use crate::error::Error;
use crate::finding::Finding;
use crate::repository::Repository;
use crate::table::{Column, Table};
use crate::tree::Tree;

use self::entry::{Entries, Mutation};

const PAGE: &str = "docs/mutants.md";

/// Which mistakes to make; without options all of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only mutations of these rows: `--row F4 F31`.
    #[arg(long = "row", value_name = "ROW", num_args = 1..)]
    rows: Vec<String>,

    /// Show the mutations and run none.
    #[arg(long, group = "instead")]
    list: bool,

    /// Only see that each mutation still fits the code, that each row has one or a reason, and that
    /// the page is up to date.
    #[arg(long, group = "instead", conflicts_with = "rows")]
    check: bool,

    /// Write docs/mutants.md and run none.
    #[arg(long, group = "instead", conflicts_with = "rows")]
    page: bool,
}

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    let entries = entry::read()?;
    if args.check {
        return report(&check(&Tree::read(repository.root())?)?);
    }
    if args.page {
        return write_page(repository, &entries);
    }
    let (selected, findings) = select(&entries, &args.rows);
    report(&findings)?;
    if args.list {
        print!("{}", listing(&selected));
        return Ok(());
    }
    report(&run::run(repository, &selected)?)
}

/// What `tidy` has to say: mutations that no longer fit, rows without one, a page out of date.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>, Error> {
    let entries = entry::read()?;
    let rows = rows::read(tree);
    let mut findings = check::check(tree, &entries, &rows);
    findings.extend(page::check(tree, &entries, &rows));
    Ok(findings)
}

fn report(findings: &[Finding]) -> Result<(), Error> {
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Error::Untidy { count }),
    }
}

fn write_page(repository: &Repository, entries: &Entries) -> Result<(), Error> {
    let rows = rows::read(&Tree::read(repository.root())?);
    let page = page::render(entries, &rows);
    fs::write(repository.root().join(PAGE), page).map_err(Error::file("write", PAGE))
}

/// The mutations of the named rows, or all if none is named; and the names that are none of any.
fn select<'a>(entries: &'a Entries, rows: &[String]) -> (Vec<&'a Mutation>, Vec<Finding>) {
    let is_wanted = |mutation: &&Mutation| rows.is_empty() || rows.contains(&mutation.row);
    let selected: Vec<&Mutation> = entries.mutations.iter().filter(is_wanted).collect();
    let unknown = rows
        .iter()
        .filter(|row| !selected.iter().any(|mutation| mutation.row == **row));
    let findings = unknown
        .map(|row| Finding::new(entry::PATH, 1, format!("no mutation of row `{row}`")))
        .collect();
    (selected, findings)
}

fn listing(mutations: &[&Mutation]) -> Table {
    let columns = ["row", "mutation", "caught by"].map(Column::Left);
    let mut table = Table::new(&columns);
    for mutation in mutations {
        table.add([
            mutation.row.clone(),
            mutation.why.clone(),
            mutation.caught_by(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mutations_of_the_named_rows_are_selected() {
        let entries = entry::read().unwrap();
        let (selected, findings) = select(&entries, &["F4".to_owned(), "F99".to_owned()]);
        assert!(selected.iter().all(|mutation| mutation.row == "F4"));
        assert!(listing(&selected).to_string().contains("store-memory"));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].to_string().contains("`F99`"), "{findings:?}");
        let (all, findings) = select(&entries, &[]);
        assert_eq!((all.len(), findings), (entries.mutations.len(), vec![]));
    }
}
