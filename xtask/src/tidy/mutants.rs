//! The files and functions named in the configuration and on the page of the mutation tests exist.

use toml::Table;

use crate::finding::{Finding, line_of};
use crate::tree::{Tree, has_extension};

const CONFIGS: [&str; 2] = [".cargo/mutants.toml", ".cargo/mutants-dynamodb.toml"];
const PAGE: &str = "docs/mutants.md";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let configs = CONFIGS.into_iter();
    let mut findings: Vec<Finding> = configs.flat_map(|path| check_config(tree, path)).collect();
    findings.extend(check_page(tree));
    findings
}

/// Patterns that match no file. cargo-mutants ignores them, so renamed code would no longer be tested.
fn check_config(tree: &Tree, path: &str) -> Vec<Finding> {
    let text = tree.text(path).unwrap_or_default();
    let config: Table = match text.parse() {
        Ok(config) => config,
        Err(error) => {
            let error: toml::de::Error = error;
            return vec![Finding::new(path, 1, error.message())];
        }
    };
    let patterns = config.get("examine_globs").and_then(toml::Value::as_array);
    let patterns = patterns.into_iter().flatten();
    patterns
        .filter_map(toml::Value::as_str)
        .filter(|pattern| !tree.exists(pattern.trim_end_matches("/**")))
        .map(|pattern| {
            let message = format!("`{pattern}` matches no file");
            Finding::new(path, line_of(text, pattern), message)
        })
        .collect()
}

/// A row about a survivor names a file and a function in it.
fn check_page(tree: &Tree) -> Vec<Finding> {
    let page = tree.text(PAGE).unwrap_or_default();
    (1..)
        .zip(page.lines())
        .filter_map(|(number, line)| Some((number, survivor(line)?)))
        .filter(|(_, (path, function))| {
            let text = tree.text(path).unwrap_or_default();
            !text.contains(&format!("fn {function}(")) && !text.contains(&format!("fn {function}<"))
        })
        .map(|(number, (path, function))| {
            let message = format!("`{path}` has no function `{function}` any more");
            Finding::new(PAGE, number, message)
        })
        .collect()
}

/// The file and the function in the first cells of a table's row.
fn survivor(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let mut code = || cells.next()?.strip_prefix('`')?.strip_suffix('`');
    let (path, function) = (code()?, code()?);
    let name = function.rsplit("::").next()?;
    has_extension(path, "rs").then_some((path, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/store-core/src/adaptive/config.rs";

    fn found(config: &str, page: &str) -> Vec<String> {
        found_in(CONFIGS[0], config, page)
    }

    fn found_in(path: &str, config: &str, page: &str) -> Vec<String> {
        let code = "fn scaling(a: f64) {}\nfn each<T>() {}\n";
        check(&Tree::of(&[(FILE, code), (path, config), (PAGE, page)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_found() {
        let folder = "crates/store-core/src/adaptive/**";
        let config =
            |last: &str| format!("examine_globs = [\n\"{FILE}\",\n\"{folder}\",\n\"{last}\"]");
        assert!(found(&config(FILE), "").is_empty());
        let expected = ".cargo/mutants.toml:4: `crates/gone/**` matches no file";
        assert_eq!(found(&config("crates/gone/**"), ""), [expected]);
        assert_eq!(found("examine_globs = [", "").len(), 1);
        for path in CONFIGS {
            let found = found_in(path, &config("crates/gone/**"), "");
            assert!(found.concat().starts_with(path), "{found:?}");
        }
    }

    #[test]
    fn a_survivor_in_code_that_is_gone_is_found() {
        let row = |path: &str, name: &str| {
            format!("| file | function |\n|---|---|\n| `{path}` | `{name}` | x |\n")
        };
        assert!(found("", &row(FILE, "scaling")).is_empty());
        assert!(found("", &row(FILE, "A::each")).is_empty());
        for (path, name) in [(FILE, "scale"), ("crates/gone.rs", "scaling")] {
            let expected = format!("{PAGE}:3: `{path}` has no function `{name}` any more");
            assert_eq!(found("", &row(path, name)), [expected]);
        }
    }
}
