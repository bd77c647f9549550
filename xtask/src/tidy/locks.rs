//! The benchmark's workspace measures the very versions that this one ships.

use std::collections::BTreeSet;

use toml::Table;

use crate::finding::{Finding, line_of};
use crate::tree::Tree;

const OURS: &str = "Cargo.lock";
const BENCH: &str = "tools/bench/Cargo.lock";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let ours = packages(tree.text(OURS).unwrap_or_default());
    let bench = tree.text(BENCH).unwrap_or_default();
    packages(bench)
        .difference(&ours)
        .map(|(name, version)| {
            let message = format!(
                "{name} {version} is not what {OURS} has: copy that file over this one and run \
                 `cargo metadata --format-version 1 --manifest-path tools/bench/Cargo.toml`"
            );
            let line = line_of(bench, &format!("name = \"{name}\""));
            Finding::new(BENCH, line, message)
        })
        .collect()
}

/// The packages that come from outside, with their versions.
fn packages(lock: &str) -> BTreeSet<(String, String)> {
    let lock: Table = lock.parse().unwrap_or_default();
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
    packages
        .into_iter()
        .flatten()
        .filter(|package| package.get("source").is_some())
        .filter_map(|package| Some((text(package, "name")?, text(package, "version")?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "\
[[package]]
name = \"bytes\"
version = \"1.10.0\"
source = \"registry\"

[[package]]
name = \"libsqlite3-sys\"
version = \"0.37.0\"
source = \"registry\"
";

    fn found(bench: &str) -> Vec<String> {
        check(&Tree::of(&[(OURS, LOCK), (BENCH, bench)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_part_of_the_same_versions_is_fine() {
        let (_, part) = LOCK.split_once("\n\n").unwrap();
        let own = "[[package]]\nname = \"bench\"\nversion = \"0.1.0\"\n\n";
        assert!(found(&format!("{own}{part}")).is_empty());
    }

    #[test]
    fn another_version_is_found() {
        let found = found(&LOCK.replace("0.37.0", "0.38.0"));
        assert_eq!(found.len(), 1);
        let expected = "tools/bench/Cargo.lock:7: libsqlite3-sys 0.38.0 is not";
        assert!(found[0].starts_with(expected), "{found:?}");
    }
}
