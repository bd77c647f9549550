//! Each crate by itself: without its default features, and alone with each feature that its code names.
//!
//! A build of the whole workspace hides what a crate lacks behind what another one turns on. A feature that
//! no code names only passes one on to a dependency: the crate's own code is the same without it.

use crate::cargo::Cargo;
use crate::error::Error;
use crate::metadata::{Metadata, Package};
use crate::repository::Repository;
use crate::tree::{Tree, has_extension};

pub(crate) fn run(repository: &Repository) -> Result<(), Error> {
    let tree = Tree::read(repository.root())?;
    for combination in combinations(&Metadata::read(repository)?, &tree) {
        // Clippy, because denying warnings by `RUSTFLAGS` would rebuild every crate from outside.
        let arguments = [
            &["clippy", "--locked", "--no-default-features", "--package"],
            &combination[..],
            &["--", "-D", "warnings"],
        ];
        Cargo::new(repository, &arguments.concat()).run()?;
    }
    Ok(())
}

/// A crate's name, then the option for a feature if there is one.
fn combinations<'a>(metadata: &'a Metadata, tree: &Tree) -> Vec<Vec<&'a str>> {
    let packages = metadata.packages.iter();
    packages
        .flat_map(|package| of_package(package, tree))
        .collect()
}

fn of_package<'a>(package: &'a Package, tree: &Tree) -> Vec<Vec<&'a str>> {
    let name = package.name.as_str();
    let folder = package.manifest_path.trim_end_matches("Cargo.toml");
    let features = package.features.keys().map(String::as_str);
    let alone = features
        .filter(|feature| is_named(feature, folder, tree))
        .map(|feature| vec![name, "--features", feature]);
    std::iter::once(vec![name]).chain(alone).collect()
}

/// Whether a source file in `folder` compiles something for this feature only.
fn is_named(feature: &str, folder: &str, tree: &Tree) -> bool {
    let condition = format!("feature = \"{feature}\"");
    let mut sources = tree
        .texts()
        .filter(|(path, _)| path.starts_with(folder) && has_extension(path, "rs"));
    sources.any(|(_, text)| text.contains(&condition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_that_code_names_is_linted_alone_and_none_is_linted_too() {
        let metadata = r#"{ "packages": [
            { "name": "a", "manifest_path": "crates/a/Cargo.toml", "dependencies": [],
              "features": { "default": ["x"], "x": [], "y": ["b/y"], "z": [] } },
            { "name": "b", "manifest_path": "crates/b/Cargo.toml", "dependencies": [] }
        ] }"#;
        let metadata = serde_json::from_str(metadata).unwrap();
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", r#"#[cfg(feature = "x")]"#),
            ("crates/a/tests/it/main.rs", r#"#![cfg(feature = "z")]"#),
            ("crates/b/src/lib.rs", r#"#[cfg(feature = "y")]"#),
        ]);
        let shown: Vec<String> = combinations(&metadata, &tree)
            .iter()
            .map(|words| words.join(" "))
            .collect();
        let expected = ["a", "a --features x", "a --features z", "b"];
        assert_eq!(shown, expected);
    }
}
