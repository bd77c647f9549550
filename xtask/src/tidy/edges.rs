//! Which crate may depend on which.
//!
//! The shape this keeps: a backend knows the contracts and no other backend, the client knows only the
//! one in memory, which is its default, and only the programs name any.

use crate::finding::{Finding, line_of};
use crate::metadata::{Kind, Metadata};
use crate::tree::Tree;

/// The crates of this workspace that a crate may depend on.
enum May {
    Use(&'static [&'static str]),
    UseAllBut(&'static [&'static str]),
}

/// The crates that only tests and tools use.
const NOT_INSTALLED: [&str; 5] = [
    "comicvine-demo",
    "comicvine-fake",
    "soak",
    "store-conformance",
    "xtask",
];

const EDGES: [(&str, May); 17] = [
    ("store-core", May::Use(&[])),
    ("sqlite-database", May::Use(&[])),
    ("store-compression", May::Use(&["store-core"])),
    ("store-encryption", May::Use(&["store-core"])),
    ("store-memory", May::Use(&["store-core"])),
    ("store-sqlite", May::Use(&["store-core", "sqlite-database"])),
    ("store-dynamodb", May::Use(&["store-core"])),
    ("dynamodb-local", May::Use(&["store-core"])),
    ("store-conformance", May::Use(&["store-core"])),
    (
        "comicvine-client",
        May::Use(&["store-core", "store-memory"]),
    ),
    // The writer of the XML form is the client's, and a fake of the API speaks XML.
    (
        "comicvine-fake",
        May::Use(&["store-core", "comicvine-client"]),
    ),
    ("comicvine-cli", May::UseAllBut(&NOT_INSTALLED)),
    (
        "comicvine-demo",
        May::UseAllBut(&["soak", "store-conformance", "xtask"]),
    ),
    (
        "http-cache-db",
        May::Use(&["store-core", "sqlite-database"]),
    ),
    (
        "http-cache-proxy",
        May::Use(&["http-cache-db", "store-sqlite"]),
    ),
    (
        "soak",
        May::UseAllBut(&["comicvine-cli", "comicvine-demo", "xtask"]),
    ),
    // Built before any chore runs.
    ("xtask", May::Use(&[])),
];

/// The contracts' own tests would otherwise depend on what implements the contracts. Their examples run
/// on the store in memory.
const NO_DEV: (&str, [&str; 2]) = ("store-core", ["store-sqlite", "store-dynamodb"]);

pub(crate) fn check(metadata: &Metadata, tree: &Tree) -> Vec<Finding> {
    let members = metadata.members();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let manifest = package.manifest_path.clone();
        let Some((_, may)) = EDGES.iter().find(|(from, _)| *from == name) else {
            findings.push(Finding::new(
                &manifest,
                1,
                format!("`{name}` has no place in the table of edges (xtask/src/tidy/edges.rs)"),
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            if !members.iter().any(|member| member == to) {
                continue;
            }
            let allowed = match (dependency.kind, may) {
                (Some(Kind::Dev), _) => name != NO_DEV.0 || !NO_DEV.1.contains(&to),
                (_, May::Use(these)) => these.contains(&to),
                (_, May::UseAllBut(these)) => !these.contains(&to),
            };
            if !allowed {
                let line = tree.text(&manifest).map_or(1, |text| line_of(text, to));
                let message = format!("`{name}` may not depend on `{to}`");
                findings.push(Finding::new(&manifest, line, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [&str; 8] = [
        "store-core",
        "store-memory",
        "store-sqlite",
        "store-conformance",
        "comicvine-cli",
        "comicvine-client",
        "comicvine-fake",
        "xtask",
    ];

    fn manifest_of(name: &str) -> String {
        format!("crates/{name}/Cargo.toml")
    }

    /// What is found when `from` depends on `to`, in a workspace of our own crates.
    fn with_edge(from: &str, to: &str, kind: Option<&str>) -> Vec<Finding> {
        let packages: Vec<_> = MEMBERS
            .iter()
            .map(|name| {
                let edge = serde_json::json!([{ "name": to, "kind": kind }]);
                let none = serde_json::json!([]);
                let dependencies = if *name == from { edge } else { none };
                serde_json::json!({
                    "name": name,
                    "dependencies": dependencies,
                    "manifest_path": manifest_of(name),
                })
            })
            .collect();
        let metadata = serde_json::json!({ "packages": packages });
        let manifest = format!("[package]\n\n[dependencies]\n{to}.workspace = true\n");
        let tree = Tree::of(&[(&manifest_of(from), &manifest)]);
        check(&serde_json::from_value(metadata).unwrap(), &tree)
    }

    #[test]
    fn a_backend_may_use_the_contracts() {
        assert_eq!(with_edge("store-memory", "store-core", None), []);
    }

    #[test]
    fn a_backend_may_not_use_another() {
        let found = with_edge("store-memory", "store-sqlite", None);
        let expected = "crates/store-memory/Cargo.toml:4: \
                        `store-memory` may not depend on `store-sqlite`";
        assert_eq!(found[0].to_string(), expected);
    }

    #[test]
    fn a_build_dependency_is_an_edge_too() {
        assert_eq!(
            with_edge("store-core", "store-memory", Some("build")).len(),
            1
        );
    }

    #[test]
    fn tests_may_use_anything_but_a_backend_under_the_contracts() {
        let dev = Some("dev");
        assert_eq!(with_edge("store-memory", "store-sqlite", dev), []);
        assert_eq!(with_edge("store-core", "store-conformance", dev), []);
        assert_eq!(with_edge("store-core", "store-memory", dev), []);
        assert_eq!(with_edge("store-core", "store-sqlite", dev).len(), 1);
    }

    #[test]
    fn the_client_may_use_the_stores_of_its_process_and_no_others() {
        assert_eq!(with_edge("comicvine-client", "store-memory", None), []);
        assert_eq!(with_edge("comicvine-client", "store-sqlite", None).len(), 1);
    }

    #[test]
    fn the_fake_may_use_the_client_and_no_store() {
        assert_eq!(with_edge("comicvine-fake", "comicvine-client", None), []);
        assert_eq!(with_edge("comicvine-fake", "store-memory", None).len(), 1);
    }

    #[test]
    fn the_installed_program_may_use_all_but_what_tests_need() {
        assert_eq!(with_edge("comicvine-cli", "store-sqlite", None), []);
        for test_only in ["store-conformance", "comicvine-fake"] {
            assert_eq!(with_edge("comicvine-cli", test_only, None).len(), 1);
            assert_eq!(with_edge("comicvine-cli", test_only, Some("dev")), []);
        }
    }

    #[test]
    fn no_chore_waits_for_a_store_to_be_built() {
        assert_eq!(with_edge("xtask", "store-core", None).len(), 1);
    }

    #[test]
    fn crates_of_others_are_no_edges() {
        assert_eq!(with_edge("store-core", "serde", None), []);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        let metadata = r#"{ "packages": [{ "name": "store-redis", "dependencies": [] }] }"#;
        let found = check(&serde_json::from_str(metadata).unwrap(), &Tree::default());
        assert!(found[0].message.contains("no place"), "{found:?}");
    }
}
