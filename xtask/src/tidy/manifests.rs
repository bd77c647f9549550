//! What every crate's manifest must say.

use toml::Table;

use crate::finding::{Finding, line_of};
use crate::tree::Tree;

/// Keys of `[package]` that live in the workspace, so that all crates move in lockstep.
const INHERITED: [&str; 4] = ["version", "edition", "license", "rust-version"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .filter_map(|(path, text)| Some((path, text, folder_of(path)?)))
        .flat_map(|(path, text, folder)| check_manifest(path, text, folder))
        .collect()
}

/// The name of the crate's folder, if the path is a member's manifest.
fn folder_of(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    let name = folder.strip_prefix("crates/").unwrap_or(folder);
    let is_crate = folder != name && !name.contains('/');
    match folder {
        "xtask" => Some(folder),
        "tools/soak" => Some("soak"),
        _ => is_crate.then_some(name),
    }
}

fn check_manifest(path: &str, text: &str, folder: &str) -> Vec<Finding> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => {
            let error: toml::de::Error = error;
            return vec![Finding::new(path, 1, error.message())];
        }
    };
    let mut findings = Vec::new();
    if !from_workspace(manifest.get("lints")) {
        let message = "inherit the lints: `[lints]` with `workspace = true`";
        findings.push(Finding::new(path, line_of(text, "[lints]"), message));
    }
    let package = manifest.get("package");
    for key in INHERITED {
        if !from_workspace(package.and_then(|package| package.get(key))) {
            let message = format!("inherit it: `{key}.workspace = true`");
            findings.push(Finding::new(path, line_of(text, key), message));
        }
    }
    let name = package.and_then(|package| package.get("name"));
    if name.and_then(toml::Value::as_str) != Some(folder) {
        let message = format!("name the crate like its folder, `{folder}`");
        findings.push(Finding::new(path, line_of(text, "name"), message));
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
