//! `cargo xtask tidy`: the house rules that no compiler knows.
//!
//! Each check is a function from the repository's text to findings, so that its tests can plant a
//! fault and see it found. All checks run, and everything they find is listed.

mod adr;
mod backends;
mod docs;
mod edges;
mod examples;
mod locks;
mod manifests;
mod mutants;
mod source;
mod test_folders;
mod text;

use crate::error::Error;
use crate::features;
use crate::metadata::Metadata;
use crate::repository::Repository;
use crate::tree::Tree;

/// Runs every check.
pub(crate) fn run(repository: &Repository) -> Result<(), Error> {
    let tree = Tree::read(repository.root())?;
    let metadata = Metadata::read(repository)?;

    let mut findings = [
        edges::check(&metadata, &tree),
        manifests::check(&tree),
        locks::check(&tree),
        mutants::check(&tree),
        source::check(&tree),
        test_folders::check(&tree),
        text::check(&tree),
        backends::check(&tree),
        docs::check(&tree, &metadata.members()),
        examples::check(&tree),
        adr::check(&tree),
        features::check(&tree)?,
    ]
    .concat();
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} text files, nothing found", tree.texts().count());
        return Ok(());
    }
    Err(Error::Untidy {
        count: findings.len(),
    })
}
