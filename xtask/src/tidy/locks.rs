//! The benchmark's workspace measures the very versions that this one ships.
//!
//! What only the benchmark depends on is not shipped: the peers, and what they bring.

use std::collections::BTreeSet;

use toml::Table;

use crate::finding::{Finding, line_of};
use crate::tree::Tree;

const OURS: &str = "Cargo.lock";
const BENCH: &str = "tools/bench/Cargo.lock";
/// The benchmark's own package.
const BENCH_NAME: &str = "bench";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let ours: BTreeSet<_> = packages(tree.text(OURS).unwrap_or_default())
        .into_iter()
        .map(|package| (package.name, package.version))
        .collect();
    let bench = tree.text(BENCH).unwrap_or_default();
    shipped(packages(bench))
        .into_iter()
        .filter(|package| !ours.contains(&(package.name.clone(), package.version.clone())))
        .map(|Package { name, version, .. }| {
            let message = format!(
                "{name} {version} is not what {OURS} has: copy that file over this one and run \
                 `cargo metadata --format-version 1 --manifest-path tools/bench/Cargo.toml`"
            );
            let line = line_of(bench, &format!("name = \"{name}\""));
            Finding::new(BENCH, line, message)
        })
        .collect()
}

/// A package of a lock file.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    is_from_outside: bool,
    /// Names, with a version where the lock file has several.
    dependencies: Vec<String>,
}

impl Package {
    fn is_meant_by(&self, dependency: &str) -> bool {
        let (name, version) = dependency.split_once(' ').unwrap_or((dependency, ""));
        name == self.name && (version.is_empty() || version == self.version)
    }
}

fn packages(lock: &str) -> Vec<Package> {
    let lock: Table = lock.parse().unwrap_or_default();
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
    let dependencies = |package: &toml::Value| {
        let names = package.get("dependencies")?.as_array()?.iter();
        Some(
            names
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
        )
    };
    packages
        .into_iter()
        .flatten()
        .filter_map(|package| {
            Some(Package {
                name: text(package, "name")?,
                version: text(package, "version")?,
                is_from_outside: package.get("source").is_some(),
                dependencies: dependencies(package).unwrap_or_default(),
            })
        })
        .collect()
}

/// The packages from outside that the crates of this repository depend on, the benchmark itself left out.
fn shipped(packages: Vec<Package>) -> Vec<Package> {
    let is_ours = |package: &Package| !package.is_from_outside && package.name != BENCH_NAME;
    let (mut reached, mut rest): (Vec<_>, Vec<_>) = packages.into_iter().partition(is_ours);
    let mut next = 0;
    while let Some(package) = reached.get(next) {
        let is_needed = |other: &Package| {
            let mut dependencies = package.dependencies.iter();
            dependencies.any(|dependency| other.is_meant_by(dependency))
        };
        let (needed, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_needed);
        reached.extend(needed);
        rest = others;
        next += 1;
    }
    reached.retain(|package| package.is_from_outside);
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "\
[[package]]
name = \"store-sqlite\"
version = \"0.1.0\"
dependencies = [\"bytes 1.10.0\", \"rusqlite\"]

[[package]]
name = \"bytes\"
version = \"1.10.0\"
source = \"registry\"

[[package]]
name = \"rusqlite\"
version = \"0.39.0\"
source = \"registry\"
dependencies = [\"libsqlite3-sys\"]

[[package]]
name = \"libsqlite3-sys\"
version = \"0.37.0\"
source = \"registry\"
";
    const BENCH_WITH_PEER: &str = "
[[package]]
name = \"bench\"
version = \"0.1.0\"
dependencies = [\"moka\", \"store-sqlite\"]

[[package]]
name = \"moka\"
version = \"0.12.16\"
source = \"registry\"
dependencies = [\"bytes 1.9.0\"]

[[package]]
name = \"bytes\"
version = \"1.9.0\"
source = \"registry\"
";

    fn found(bench: &str) -> Vec<String> {
        check(&Tree::of(&[(OURS, LOCK), (BENCH, bench)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_same_versions_are_fine() {
        assert!(found(LOCK).is_empty());
    }

    #[test]
    fn another_version_of_what_is_shipped_is_found() {
        let found = found(&LOCK.replace("0.37.0", "0.38.0"));
        assert_eq!(found.len(), 1);
        let expected = "tools/bench/Cargo.lock:18: libsqlite3-sys 0.38.0 is not";
        assert!(found[0].starts_with(expected), "{found:?}");
    }

    #[test]
    fn a_peer_and_what_it_brings_is_not_shipped() {
        let bench = format!("{LOCK}{BENCH_WITH_PEER}");
        assert!(found(&bench).is_empty());
        assert_eq!(found(&bench.replace("0.39.0", "0.40.0")).len(), 1);
    }
}
