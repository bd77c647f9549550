//! What every crate's manifest must say.

use toml::Table;

use crate::finding::{Finding, line_of};
use crate::tree::Tree;

const ROOT: &str = "Cargo.toml";

/// Keys of `[package]` that live in the workspace, so that all crates move in lockstep.
const INHERITED: [&str; 4] = ["version", "edition", "license", "rust-version"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let root: Table = tree
        .text(ROOT)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    tree.texts()
        .filter_map(|(path, text)| Some((path, text, folder_of(path)?)))
        .flat_map(|(path, text, folder)| check_manifest(path, text, folder, root.get("workspace")))
        .collect()
}

/// The name of the crate's folder, if the path is a crate's manifest.
fn folder_of(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    match folder.split_once('/') {
        None => Some(folder),
        Some(("crates" | "tools", name)) if !name.contains('/') => Some(name),
        Some(_) => None,
    }
}

/// Checks a manifest. A member inherits from the `root`; what is a workspace of its own cannot, and
/// repeats its values.
fn check_manifest(
    path: &str,
    text: &str,
    folder: &str,
    root: Option<&toml::Value>,
) -> Vec<Finding> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => {
            let error: toml::de::Error = error;
            return vec![Finding::new(path, 1, error.message())];
        }
    };
    let mut findings = Vec::new();
    let mut found = |needle: &str, message: String| {
        findings.push(Finding::new(path, line_of(text, needle), message));
    };
    let is_member = !manifest.contains_key("workspace");
    if is_member && !from_workspace(manifest.get("lints")) {
        let message = "inherit the lints: `[lints]` with `workspace = true`";
        found("[lints]", message.to_owned());
    }
    let package = manifest.get("package");
    for key in INHERITED {
        let value = package.and_then(|package| package.get(key));
        if is_member && !from_workspace(value) {
            found(key, format!("inherit it: `{key}.workspace = true`"));
        }
        let common = root.and_then(|root| root.get("package")?.get(key));
        if !is_member && value != common {
            found(key, format!("`{key}` is not that of {ROOT}"));
        }
    }
    let name = package.and_then(|package| package.get("name"));
    if name.and_then(toml::Value::as_str) != Some(folder) {
        found(
            "name",
            format!("name the crate like its folder, `{folder}`"),
        );
    }
    findings
}

fn from_workspace(value: Option<&toml::Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(toml::Value::as_bool)
        == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"store-core\"
version.workspace = true
edition.workspace = true
license.workspace = true
rust-version.workspace = true

[lints]
workspace = true
";

    fn found(manifest: &str) -> Vec<String> {
        check(&Tree::of(&[("crates/store-core/Cargo.toml", manifest)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_manifest_that_inherits_is_fine() {
        assert!(found(GOOD).is_empty());
    }

    #[test]
    fn own_lints_are_found() {
        let found = found(&GOOD.replace("[lints]\nworkspace = true", "[lints.rust]"));
        assert!(found[0].contains("inherit the lints"), "{found:?}");
    }

    #[test]
    fn an_own_version_edition_or_license_is_found() {
        for key in INHERITED {
            let own = format!("\n{key} = \"2\"");
            let found = found(&GOOD.replace(&format!("\n{key}.workspace = true"), &own));
            assert_eq!(found.len(), 1, "{key}");
            assert!(found[0].contains(key), "{found:?}");
        }
    }

    #[test]
    fn a_value_of_its_own_is_found_in_a_workspace_of_its_own() {
        let values = INHERITED.map(|key| format!("{key} = \"1\"\n")).concat();
        let root = format!("[workspace.package]\n{values}");
        let path = "tools/bench/Cargo.toml";
        let own = format!("[workspace]\n[package]\nname = \"bench\"\n{values}");
        let found = |own: &str| check(&Tree::of(&[(ROOT, &root), (path, own)]));
        assert_eq!(found(&own), []);
        for key in INHERITED {
            let value = format!("\n{key} = \"1\"");
            for other in [String::new(), format!("\n{key} = \"2\"")] {
                let found = found(&own.replace(&value, &other));
                assert_eq!(found.len(), 1, "{found:?}");
                assert!(found[0].message.contains(key), "{found:?}");
            }
        }
    }

    #[test]
    fn a_name_unlike_the_folder_is_found() {
        let found = found(&GOOD.replace("store-core", "core"));
        let expected = "crates/store-core/Cargo.toml:2: \
                        name the crate like its folder, `store-core`";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_manifest_that_does_not_parse_is_found() {
        assert_eq!(found("[package").len(), 1);
    }
}
