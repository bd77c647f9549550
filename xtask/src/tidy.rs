//! `cargo xtask tidy`: the house rules that no compiler knows.
//!
//! Each check is a function from the repository's text to findings, so that its tests can plant a
//! fault and see it found. All checks run, and everything they find is listed.

mod adr;
mod backends;
mod docs;
mod edges;
mod examples;
mod manifests;
mod markdown;
mod metadata;
mod source;
mod test_folders;
mod text;

use crate::capacity;
use crate::error::Error;
use crate::features;
use crate::mutants;
use crate::repository::Repository;
use crate::tree::Tree;

use self::metadata::Metadata;

pub(crate) fn run(repository: &Repository) -> Result<(), Error> {
    let tree = Tree::read(repository.root())?;
    let metadata = Metadata::read(repository)?;
    let members = metadata.members();
    let chores = crate::chore_names();

    let mut findings = [
        edges::check(&metadata, &tree),
        manifests::check(&tree),
        source::check(&tree),
        test_folders::check(&tree),
        text::check(&tree),
        backends::check(&tree),
        docs::check(&tree, &docs::Names { members, chores }),
        examples::check(&tree),
        adr::check(&tree),
        features::check(&tree)?,
        mutants::check(&tree)?,
        capacity::check(&tree),
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
