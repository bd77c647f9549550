//! `cargo xtask capacity`: what a limit that many processes share costs in DynamoDB, by simulation.

mod model;
mod page;
mod process;
mod run;

use std::fs;

use crate::error::Error;
use crate::finding::Finding;
use crate::repository::Repository;
use crate::tree::Tree;

const PAGE: &str = "docs/dynamodb-capacity.md";

/// What to do with the page.
///
/// The simulation is small and always comes to the same figures; it takes some seconds. It follows
/// the limiter of store-dynamodb write by write, but it is a model of it: the figures for few
/// processes are those that the store's tests measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if the page is not what would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    let figures = page::figures();
    print!("{}", page::table(&figures));
    let page = page::render(&figures);
    if args.check {
        let tree = Tree::read(repository.root())?;
        return match compare(&tree, &page) {
            Some(finding) => {
                println!("{finding}");
                Err(Error::Untidy { count: 1 })
            }
            None => Ok(()),
        };
    }
    fs::write(repository.root().join(PAGE), page).map_err(Error::file("write", PAGE))
}

/// What `tidy` has to say: a page that is out of date.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    compare(tree, &page::render(&page::figures()))
        .into_iter()
        .collect()
}

fn compare(tree: &Tree, page: &str) -> Option<Finding> {
    let written = tree.text(PAGE).unwrap_or_default();
    let lines = written.lines().zip(page.lines());
    let same = lines.take_while(|(written, page)| written == page).count();
    (written != page).then(|| {
        let message = "out of date: run `cargo xtask capacity` and commit the page";
        Finding::new(PAGE, same + 1, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_differs_is_found_with_its_line() {
        let tree = Tree::of(&[(PAGE, "# A\n\none\n")]);
        assert!(compare(&tree, "# A\n\none\n").is_none());
        let found = compare(&tree, "# A\n\ntwo\n").unwrap().to_string();
        assert!(
            found.contains(":3:") && found.contains("cargo xtask capacity"),
            "{found}"
        );
    }
}
