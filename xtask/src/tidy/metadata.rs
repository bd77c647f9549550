//! The part of `cargo metadata` that the checks read.

use serde::Deserialize;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

/// The members of the workspace, with what their manifests ask for.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Cargo says `null` for an ordinary dependency.
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Build,
    Dev,
}

impl Metadata {
    pub(crate) fn read(repository: &Repository) -> Result<Self, Error> {
        let arguments = ["metadata", "--no-deps", "--format-version", "1", "--locked"];
        let answer = Cargo::new(repository, &arguments).output()?;
        serde_json::from_slice(&answer).map_err(|source| Error::Metadata { source })
    }

    /// The names of the workspace's crates.
    pub(crate) fn members(&self) -> Vec<String> {
        self.packages
            .iter()
            .map(|package| package.name.clone())
            .collect()
    }
}
