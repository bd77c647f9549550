//! Which crate may depend on which.
//!
//! The shape this keeps: a backend knows the contracts and no other backend, the client knows no
//! backend at all, and only the programs name one.

use crate::finding::{Finding, line_of};
use crate::tree::Tree;

use super::metadata::{Kind, Metadata};

/// What a crate may depend on, of the crates in this workspace.
enum May {
    Use(&'static [&'static str]),
    UseAllBut(&'static [&'static str]),
}

const EDGES: [(&str, May); 13] = [
    ("store-core", May::Use(&[])),
    ("sqlite-database", May::Use(&[])),
    ("store-memory", May::Use(&["store-core"])),
    ("store-sqlite", May::Use(&["store-core", "sqlite-database"])),
    ("store-dynamodb", May::Use(&["store-core"])),
    ("dynamodb-local", May::Use(&["store-core"])),
    ("store-conformance", May::Use(&["store-core"])),
    ("comicvine-client", May::Use(&["store-core"])),
    ("comicvine-fake", May::Use(&["store-core"])),
    (
        "comicvine-cli",
        May::UseAllBut(&["store-conformance", "xtask"]),
    ),
    (
        "http-cache-db",
        May::Use(&["store-core", "sqlite-database"]),
    ),
    ("http-cache-proxy", May::Use(&["http-cache-db"])),
    ("xtask", May::UseAllBut(&[])),
];

/// The contracts' own tests would otherwise depend on what implements the contracts.
const NO_DEV: (&str, [&str; 3]) = (
    "store-core",
    ["store-memory", "store-sqlite", "store-dynamodb"],
);

pub(crate) fn check(metadata: &Metadata, tree: &Tree) -> Vec<Finding> {
    let members = metadata.members();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let manifest = manifest_of(name);
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

fn manifest_of(name: &str) -> String {
    if name == "xtask" {
        "xtask/Cargo.toml".to_owned()
    } else {
        format!("crates/{name}/Cargo.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [&str; 6] = [
        "store-core",
        "store-memory",
        "store-sqlite",
        "store-conformance",
        "comicvine-cli",
        "xtask",
    ];

    /// What is found when `from` depends on `to`, in a workspace of our own crates.
    fn with_edge(from: &str, to: &str, kind: Option<&str>) -> Vec<Finding> {
        let packages: Vec<_> = MEMBERS
            .iter()
            .map(|name| {
                let edge = serde_json::json!([{ "name": to, "kind": kind }]);
                let none = serde_json::json!([]);
                let dependencies = if *name == from { edge } else { none };
                serde_json::json!({ "name": name, "dependencies": dependencies })
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
        assert_eq!(with_edge("store-core", "store-memory", dev).len(), 1);
    }

    #[test]
    fn the_program_may_use_all_but_the_suite() {
        assert_eq!(with_edge("comicvine-cli", "store-sqlite", None), []);
        assert_eq!(
            with_edge("comicvine-cli", "store-conformance", None).len(),
            1
        );
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
