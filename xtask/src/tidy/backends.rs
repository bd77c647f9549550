//! Every backend has the same files, so that who knows one knows them all.

use crate::finding::Finding;
use crate::tree::Tree;

const BACKENDS: [&str; 3] = ["store-memory", "store-sqlite", "store-dynamodb"];

const FILES: [&str; 7] = [
    "lib.rs",
    "options.rs",
    "store.rs",
    "cache.rs",
    "dedupe.rs",
    "rate_limit.rs",
    "error.rs",
];

/// Files that a backend does without, and why.
const WITHOUT: [(&str, &str, &str); 1] = [(
    "store-memory",
    "error.rs",
    "nothing here fails but what the contracts name themselves",
)];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for backend in BACKENDS {
        if !tree.exists(&format!("crates/{backend}")) {
            continue;
        }
        for file in FILES {
            let path = format!("crates/{backend}/src/{file}");
            let excused = WITHOUT
                .iter()
                .find(|(crate_name, missing, _)| *crate_name == backend && *missing == file);
            match (tree.exists(&path), excused) {
                (false, None) => {
                    let message = format!("every backend has `{file}`");
                    findings.push(Finding::new(&path, 1, message));
                }
                (true, Some((_, _, why))) => {
                    let message = format!("listed as missing because \"{why}\", but it exists");
                    findings.push(Finding::new(&path, 1, message));
                }
                (true, None) | (false, Some(_)) => {}
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(backend: &str, files: &[&str]) -> Vec<String> {
        let paths: Vec<String> = files
            .iter()
            .map(|file| format!("crates/{backend}/src/{file}"))
            .collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        check(&Tree::of(&files))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_backend_with_all_files_is_fine() {
        assert!(found("store-sqlite", &FILES).is_empty());
        assert!(found("store-memory", &FILES[..6]).is_empty());
    }

    #[test]
    fn a_missing_file_is_found() {
        let found = found("store-sqlite", &FILES[..6]);
        let expected = "crates/store-sqlite/src/error.rs:1: every backend has `error.rs`";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn an_excuse_that_is_out_of_date_is_found() {
        assert_eq!(found("store-memory", &FILES).len(), 1);
    }
}
