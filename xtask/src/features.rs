//! `cargo xtask features`: docs/features.md, from the feature rows and the tests that cover them.
//!
//! A test says what it covers, in a comment above it or on its line of a case list; the page is
//! only ever generated, so it cannot say more than the tests do.

mod covers;
mod page;
mod rows;

use std::fs;

use crate::error::Error;
use crate::finding::Finding;
use crate::repository::Repository;
use crate::tree::Tree;

use self::covers::Cover;
use self::rows::Group;

const PAGE: &str = "docs/features.md";

/// What to do with the page.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if the page is not what would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    let tree = Tree::read(repository.root())?;
    let groups = rows::read()?;
    let (covers, mut findings) = read_covers(&tree, &groups);
    let page = page::render(&groups, &covers);
    if args.check {
        findings.extend(check_page(&tree, &page));
    }
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        return Err(Error::Untidy {
            count: findings.len(),
        });
    }
    if !args.check {
        let path = repository.root().join(PAGE);
        fs::write(&path, page).map_err(Error::file("write", PAGE))?;
    }
    Ok(())
}

/// The findings for `tidy`: covers of rows that do not exist, and a page that is out of date.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>, Error> {
    let groups = rows::read()?;
    let (covers, mut findings) = read_covers(tree, &groups);
    findings.extend(check_page(tree, &page::render(&groups, &covers)));
    Ok(findings)
}

fn read_covers(tree: &Tree, groups: &[Group]) -> (Vec<Cover>, Vec<Finding>) {
    let (covers, mut findings) = covers::read(tree);
    for cover in &covers {
        if !groups.iter().any(|group| group.has(&cover.row)) {
            let message = format!("`{}` covers `{}`, which is no row", cover.case, cover.row);
            findings.push(Finding::new(&cover.path, cover.line, message));
        }
    }
    (covers, findings)
}

fn check_page(tree: &Tree, page: &str) -> Option<Finding> {
    let written = tree.text(PAGE).unwrap_or_default();
    let same = written
        .lines()
        .zip(page.lines())
        .take_while(|(written, page)| written == page)
        .count();
    (written != page).then(|| {
        let message = "out of date: run `cargo xtask features` and commit the page";
        Finding::new(PAGE, same + 1, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(source: &str, page: &str) -> Tree {
        Tree::of(&[("crates/store-core/src/a.rs", source), (PAGE, page)])
    }

    #[test]
    fn a_page_as_generated_is_fine() {
        let source = "// covers(\"F4\")\nfn users_get_in() {}\n";
        let groups = rows::read().unwrap();
        let (covers, _) = read_covers(&tree(source, ""), &groups);
        let page = page::render(&groups, &covers);
        assert_eq!(check(&tree(source, &page)).unwrap(), []);
    }

    #[test]
    fn a_page_out_of_date_is_found() {
        let found = check(&tree("", "# Features\n")).unwrap();
        assert!(
            found[0].to_string().contains("cargo xtask features"),
            "{found:?}"
        );
    }

    #[test]
    fn a_row_that_does_not_exist_is_found() {
        let groups = rows::read().unwrap();
        let source = "//! A.\n// covers(\"F99\")\nfn users_get_in() {}\n";
        let (_, found) = read_covers(&tree(source, ""), &groups);
        let expected = "crates/store-core/src/a.rs:2: \
                        `users_get_in` covers `F99`, which is no row";
        assert_eq!(found[0].to_string(), expected);
    }
}
