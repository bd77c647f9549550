//! Each crate by itself: without its default features, and with each of its features alone.
//!
//! A build of the whole workspace hides what a crate lacks behind what another one turns on.

use crate::cargo::Cargo;
use crate::error::Error;
use crate::metadata::{Metadata, Package};
use crate::repository::Repository;

pub(crate) fn run(repository: &Repository) -> Result<(), Error> {
    for arguments in commands(&Metadata::read(repository)?) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Cargo::new(repository, &arguments).run()?;
    }
    Ok(())
}

/// The arguments for cargo, one list per combination.
fn commands(metadata: &Metadata) -> Vec<Vec<String>> {
    metadata.packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Package) -> Vec<Vec<String>> {
    let check = [
        "check",
        "--locked",
        "--package",
        &package.name,
        "--no-default-features",
    ]
    .map(str::to_owned);
    let names = package.features.keys();
    let features = names.filter(|feature| *feature != "default");
    let alone = features.map(|feature| {
        let option = ["--features".to_owned(), feature.clone()];
        [&check[..], &option].concat()
    });
    std::iter::once(check.to_vec()).chain(alone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_checked_alone_and_none_is_checked_too() {
        let metadata = r#"{ "packages": [
            { "name": "a", "dependencies": [], "features": { "default": ["x"], "x": [], "y": [] } },
            { "name": "b", "dependencies": [] }
        ] }"#;
        let commands = commands(&serde_json::from_str(metadata).unwrap());
        let shown: Vec<String> = commands.iter().map(|words| words[3..].join(" ")).collect();
        let expected = [
            "a --no-default-features",
            "a --no-default-features --features x",
            "a --no-default-features --features y",
            "b --no-default-features",
        ];
        assert_eq!(shown, expected);
    }
}
