//! Each crate by itself: without its default features, and with each of its features alone.
//!
//! A build of the whole workspace hides what a crate lacks behind what another one turns on.

use crate::cargo::Cargo;
use crate::error::Error;
use crate::metadata::{Metadata, Package};
use crate::repository::Repository;

pub(crate) fn run(repository: &Repository) -> Result<(), Error> {
    for combination in combinations(&Metadata::read(repository)?) {
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
fn combinations(metadata: &Metadata) -> Vec<Vec<&str>> {
    metadata.packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Package) -> impl Iterator<Item = Vec<&str>> {
    let name = package.name.as_str();
    let names = package.features.keys().map(String::as_str);
    let features = names.filter(|feature| *feature != "default");
    let alone = features.map(move |feature| vec![name, "--features", feature]);
    std::iter::once(vec![name]).chain(alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_linted_alone_and_none_is_linted_too() {
        let metadata = r#"{ "packages": [
            { "name": "a", "dependencies": [], "features": { "default": ["x"], "x": [], "y": [] } },
            { "name": "b", "dependencies": [] }
        ] }"#;
        let metadata = serde_json::from_str(metadata).unwrap();
        let shown: Vec<String> = combinations(&metadata)
            .iter()
            .map(|words| words.join(" "))
            .collect();
        let expected = ["a", "a --features x", "a --features y", "b"];
        assert_eq!(shown, expected);
    }
}
