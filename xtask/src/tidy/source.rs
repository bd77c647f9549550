//! What every Rust file must look like.

use crate::finding::{Finding, line_at};
use crate::rust::{Views, occurrences};
use crate::tree::{Tree, has_extension};

/// A longer file holds more than one idea.
const LONGEST_FILE: usize = 600;

/// A `lib.rs` is a table of contents. The crate's introduction above it may be longer.
const LONGEST_CONTENTS: usize = 60;

/// Words that are not for code, and their remedies.
const NOT_IN_CODE: [(&str, &str); 4] = [
    ("todo!", "finish it, or leave it out"),
    ("unimplemented!", "finish it, or leave it out"),
    ("#[allow(", "write `#[expect(lint, reason = \"why\")]`"),
    ("#![allow(", "write `#![expect(lint, reason = \"why\")]`"),
];

/// Words that promise work nobody is going to do.
const NOT_IN_COMMENTS: [&str; 2] = ["TODO", "FIXME"];

const IGNORE: &str = "#[ignore";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| is_ours(path)) {
        findings.extend(check_file(path, text));
    }
    findings
}

fn is_ours(path: &str) -> bool {
    let folders = ["crates/", "tools/", "xtask/"];
    folders.iter().any(|folder| path.starts_with(folder)) && has_extension(path, "rs")
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        let message = "open with `//!`: what lives here, then what must stay true";
        findings.push(Finding::new(path, 1, message));
    }
    if path.ends_with("/mod.rs") {
        let message = "name the file after its module: `name.rs` beside the folder";
        findings.push(Finding::new(path, 1, message));
    }
    let (limit, remedy) = if path.ends_with("/src/lib.rs") {
        (LONGEST_CONTENTS, "it is a table of contents")
    } else {
        (LONGEST_FILE, "split it by idea")
    };
    let introduction = if limit == LONGEST_CONTENTS {
        text.lines()
            .take_while(|line| line.starts_with("//!"))
            .count()
    } else {
        0
    };
    let lines = text.lines().count() - introduction;
    if lines > limit {
        let message = format!("{lines} lines, at most {limit}: {remedy}");
        findings.push(Finding::new(path, introduction + limit + 1, message));
    }

    let views = Views::of(text);
    for (needle, remedy) in NOT_IN_CODE {
        for offset in occurrences(&views.code, needle) {
            let message = format!("`{needle}` is not for this code: {remedy}");
            findings.push(Finding::new(path, line_at(text, offset), message));
        }
    }
    for word in NOT_IN_COMMENTS {
        for offset in occurrences(&views.comments, word) {
            let message = format!("no {word}: do it, or open an issue");
            findings.push(Finding::new(path, line_at(text, offset), message));
        }
    }
    for offset in occurrences(&views.code, IGNORE) {
        // A macro has its caller say why.
        let says_why = [" = \"", " = $"];
        let rest = &text[offset + IGNORE.len()..];
        if !says_why.iter().any(|why| rest.starts_with(why)) {
            let message = "say why it cannot run: `#[ignore = \"why\"]`";
            findings.push(Finding::new(path, line_at(text, offset), message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/store-core/src/key.rs";

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[track_caller]
    fn finds(path: &str, text: &str, line: usize, part: &str) {
        let found = found(path, text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("{path}:{line}: ")),
            "{found:?}"
        );
        assert!(found[0].contains(part), "{found:?}");
    }

    #[test]
    fn a_good_file_is_fine() {
        let text =
            "//! Keys.\n\n/// `todo!` in words is fine.\nfn f() {\n    g(\"TODO todo!\");\n}\n";
        assert!(found(FILE, text).is_empty());
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        finds(FILE, "use a::B;\n", 1, "open with `//!`");
        finds("crates/a/tests/it/main.rs", "mod b;\n", 1, "open with");
    }

    #[test]
    fn a_module_in_a_file_without_its_name_is_found() {
        finds("crates/a/src/b/mod.rs", "//! B.\n", 1, "`name.rs`");
        assert!(found("crates/a/src/b/amod.rs", "//! B.\n").is_empty());
    }

    #[test]
    fn a_long_file_is_found() {
        let text = "//! Long.\n".repeat(LONGEST_FILE + 1);
        finds(FILE, &text, 601, "601 lines, at most 600");
        assert!(found(FILE, &"//! Just so.\n".repeat(LONGEST_FILE)).is_empty());
    }

    #[test]
    fn a_long_table_of_contents_is_found() {
        let long = "//! Long.\n".to_owned() + &"mod a;\n".repeat(LONGEST_CONTENTS + 1);
        let path = "crates/store-core/src/lib.rs";
        finds(path, &long, 62, "table of contents");
        let introduced = "//! Long.\n".repeat(LONGEST_CONTENTS) + "mod a;\n";
        assert!(found(path, &introduced).is_empty());
    }

    #[test]
    fn unfinished_code_is_found() {
        finds(FILE, "//! A.\nfn f() {\n    todo!()\n}\n", 3, "todo!");
        finds(
            FILE,
            "//! A.\nfn f() { unimplemented!() }\n",
            2,
            "unimplemented!",
        );
    }

    #[test]
    fn an_allowed_lint_is_found() {
        finds(
            FILE,
            "//! A.\n#[allow(dead_code)]\nfn f() {}\n",
            2,
            "#[expect(",
        );
        finds(FILE, "//! A.\n#![allow(dead_code)]\n", 2, "#![expect(");
    }

    #[test]
    fn a_promise_of_later_work_is_found() {
        finds(FILE, "//! A.\n// TODO: more\n", 2, "no TODO");
        finds(FILE, "//! A.\nfn f() {} // FIXME\n", 2, "no FIXME");
    }

    #[test]
    fn an_ignored_test_must_say_why() {
        finds(FILE, "//! A.\n#[ignore]\nfn f() {}\n", 2, "say why");
        assert!(found(FILE, "//! A.\n#[ignore = \"needs a server\"]\nfn f() {}\n").is_empty());
        assert!(found(FILE, "//! A.\n#[ignore = $why]\nfn f() {}\n").is_empty());
    }
}
