//! Which test covers which rows, read from the source.
//!
//! Two forms. On a line of a case list, after the case's name:
//! `a_dropped_owner_is_replaced: covers("F33"),`; and above any test, as a comment:
//! `// covers("F33", "A10")`.

use crate::finding::{Finding, line_at};
use crate::rust::{Views, is_word, occurrences};
use crate::tree::{Tree, has_extension};

/// One row that one test covers.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Cover {
    pub(crate) row: String,
    pub(crate) crate_name: String,
    /// The name of the test or of the conformance case.
    pub(crate) case: String,
    pub(crate) path: String,
    pub(crate) line: usize,
}

const OPENING: &str = "covers(";

/// Every cover in the crates, and what is wrong with the rest.
pub(crate) fn read(tree: &Tree) -> (Vec<Cover>, Vec<Finding>) {
    let mut covers = Vec::new();
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let Some(crate_name) = crate_of(path) else {
            continue;
        };
        let file = File {
            text,
            views: Views::of(text),
        };
        for offset in file.claims() {
            let line = line_at(text, offset);
            match file.claim(offset) {
                Ok((case, rows)) => covers.extend(rows.into_iter().map(|row| Cover {
                    row,
                    crate_name: crate_name.to_owned(),
                    case: case.to_owned(),
                    path: path.to_owned(),
                    line,
                })),
                Err(message) => findings.push(Finding::new(path, line, message)),
            }
        }
    }
    covers.sort();
    (covers, findings)
}

/// The crate that a Rust file below `crates/` belongs to.
fn crate_of(path: &str) -> Option<&str> {
    let (name, _) = path.strip_prefix("crates/")?.split_once('/')?;
    has_extension(path, "rs").then_some(name)
}

struct File<'a> {
    text: &'a str,
    views: Views,
}

impl File<'_> {
    /// The offsets of `covers(` that say something about a test.
    fn claims(&self) -> Vec<usize> {
        let in_code = occurrences(&self.views.code, OPENING)
            // The list's own macro and any function of that name say nothing yet.
            .filter(|&offset| {
                self.text[offset + OPENING.len()..]
                    .trim_start()
                    .starts_with('"')
            });
        let in_comments = occurrences(&self.views.comments, OPENING).filter(|&offset| {
            // Only a comment that is nothing else: prose and doc comments may speak of the form.
            let line = self.views.comments[..offset].rsplit('\n').next();
            line.is_some_and(|before| before.trim() == "//")
        });
        in_code.chain(in_comments).collect()
    }

    /// The case and its rows.
    fn claim(&self, offset: usize) -> Result<(&str, Vec<String>), &'static str> {
        let rows = self
            .rows(offset)
            .ok_or("write `covers(\"F4\", \"A12\")`, on one line if it is a comment")?;
        let is_comment = self.views.code[offset..].starts_with(' ');
        let case = if is_comment {
            self.function_below(offset)
        } else {
            self.name_before(offset)
        };
        let case = case.ok_or("`covers` belongs to no test: put it directly above one")?;
        Ok((case, rows))
    }

    fn rows(&self, offset: usize) -> Option<Vec<String>> {
        let (list, _) = self.text[offset + OPENING.len()..].split_once(')')?;
        list.trim()
            .trim_end_matches(',')
            .split(',')
            .map(|row| {
                let row = row.trim().strip_prefix('"')?.strip_suffix('"')?;
                row.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric())
                    .then(|| row.to_owned())
            })
            .collect()
    }

    /// The `name` in `name: covers(…)`.
    fn name_before(&self, offset: usize) -> Option<&str> {
        let before = self.views.code[..offset].trim_end().strip_suffix(':')?;
        let before = before.trim_end();
        let start = before
            .bytes()
            .rposition(|byte| !is_word(byte))
            .map_or(0, |at| at + 1);
        before.get(start..).filter(|name| !name.is_empty())
    }

    /// The next function, if nothing but its attributes stands in between.
    fn function_below(&self, offset: usize) -> Option<&str> {
        let code = &self.views.code[offset..];
        let keyword = occurrences(code, "fn ").next()?;
        if code[..keyword].contains([';', '{', '}']) {
            return None;
        }
        let name = code[keyword + "fn ".len()..].trim_start();
        let end = name.bytes().position(|byte| !is_word(byte))?;
        name.get(..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_file(text: &str) -> (Vec<String>, Vec<String>) {
        let (covers, findings) = read(&Tree::of(&[("crates/store-core/src/a.rs", text)]));
        let covers = covers
            .iter()
            .map(|cover| format!("{} {} {}", cover.row, cover.case, cover.line))
            .collect();
        (covers, findings.iter().map(ToString::to_string).collect())
    }

    #[track_caller]
    fn covers(text: &str, expected: &[&str]) {
        assert_eq!(
            read_file(text),
            (expected.iter().map(ToString::to_string).collect(), vec![])
        );
    }

    #[track_caller]
    fn complains(text: &str, part: &str) {
        let (covers, findings) = read_file(text);
        assert!(covers.is_empty(), "{covers:?}");
        assert!(findings[0].contains(part), "{findings:?}");
    }

    #[test]
    fn a_case_in_a_list_names_its_rows() {
        covers(
            "cases! {\n    users_get_in: covers(\"F4\", \"E6\"),\n    b:\n        covers(\n\"A1\",\n),\n}",
            &["A1 b 4", "E6 users_get_in 2", "F4 users_get_in 2"],
        );
    }

    #[test]
    fn a_comment_belongs_to_the_test_below() {
        covers(
            "// covers(\"F4\")\n#[tokio::test(flavor = \"a;b\")]\nasync fn users_get_in() {}\n",
            &["F4 users_get_in 1"],
        );
    }

    #[test]
    fn two_comments_above_one_test_both_count() {
        covers(
            "// covers(\"F4\")\n// covers(\"A1\")\n#[test]\nfn f() {}\n",
            &["A1 f 2", "F4 f 1"],
        );
    }

    #[test]
    fn words_strings_and_macros_claim_nothing() {
        covers(
            "//! Write `covers(\"F4\")`.\n/// covers(\"F4\")\nfn f() { g(\"covers(\\\"F4\\\")\") }",
            &[],
        );
        covers(
            "macro_rules! m { ($n:ident: covers($($r:literal),*)) => {} }",
            &[],
        );
    }

    #[test]
    fn a_comment_above_no_test_is_found() {
        complains(
            "// covers(\"F4\")\nuse a;\nfn f() {}\n",
            "belongs to no test",
        );
        complains("covers(\"F4\")\n", "belongs to no test");
    }

    #[test]
    fn a_list_that_does_not_parse_is_found() {
        complains("// covers(F4)\nfn f() {}\n", "write `covers(");
        complains("a: covers(\"F4\" \"A1\"),\n", "write `covers(");
    }
}
