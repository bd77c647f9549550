//! The lists against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// `.client().get_item()`, `.client_for(operation).get_item()` and `client.get_item()`, over any number of lines, as `GetItem`.
fn calls(text: &str) -> Vec<String> {
    let squeezed: String = text.split_whitespace().collect();
    let parts: Vec<&str> = squeezed.split("client").collect();
    let call = |pair: &[&str]| {
        let arguments = ["()", "_for(operation)", "_for(OPERATION)"];
        let after = arguments.iter().find_map(|it| pair[1].strip_prefix(it));
        let after = after.unwrap_or(pair[1]);
        let (name, _) = after.strip_prefix('.')?.split_once("()")?;
        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let is_operation = name.contains('_') || ["query", "scan"].contains(&name);
        let is_whole = !pair[0].ends_with('_');
        (is_name && is_operation && is_whole).then(|| pascal(name))
    };
    parts.windows(2).filter_map(call).collect()
}

fn pascal(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}

fn add_calls(folder: &Path, skipped: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap();
        if name == skipped || name == "tests" {
            continue;
        }
        if path.is_dir() {
            add_calls(&path, skipped, found);
        } else {
            found.extend(calls(&fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn the_lists_are_what_the_code_calls() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let of = |folder: &Path, skipped| {
        let mut found = BTreeSet::new();
        add_calls(folder, skipped, &mut found);
        found
    };
    let listed = |list: &[&str]| list.iter().map(|&call| call.to_owned()).collect();
    let stores: BTreeSet<String> = listed(STORE_OPERATIONS);
    assert_eq!(of(&source, "setup"), stores);
    let setup: BTreeSet<String> = listed(SETUP_OPERATIONS);
    assert_eq!(of(&source.join("setup"), "none"), setup);
}

#[test]
fn calls_are_found_over_lines() {
    let text = "self\n.client()\n.get_item()\n.x(); client.describe_table().send(); \
                client.clone(); http_client().is_none(); self.client()\n    .query()";
    assert_eq!(calls(text), ["GetItem", "DescribeTable", "Query"]);
}

#[test]
fn a_transaction_needs_the_permissions_of_its_actions() {
    let needed = permissions(STORE_OPERATIONS);
    assert!(needed.contains(&"dynamodb:PutItem".to_owned()));
    assert!(!needed.iter().any(|it| it.contains("Transact")));
}
