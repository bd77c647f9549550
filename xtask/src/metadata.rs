//! The workspace as cargo sees it, in as much detail as the checks read.

use std::collections::BTreeMap;
use std::path::Path;

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
    /// Every feature, with those that it turns on.
    #[serde(default)]
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// Relative to the repository's root, with `/`.
    #[serde(default)]
    pub(crate) manifest_path: String,
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
        let mut metadata: Self =
            serde_json::from_slice(&answer).map_err(|source| Error::Metadata { source })?;
        for package in &mut metadata.packages {
            let path = Path::new(&package.manifest_path);
            let path = path.strip_prefix(repository.root()).unwrap_or(path);
            package.manifest_path = path.to_string_lossy().replace('\\', "/");
        }
        Ok(metadata)
    }

    /// The names of the workspace's crates.
    pub(crate) fn members(&self) -> Vec<String> {
        self.packages
            .iter()
            .map(|package| package.name.clone())
            .collect()
    }
}
