//! What no text file may contain, whatever its language.

use crate::finding::Finding;
use crate::tree::Tree;

/// Top folders of somebody's own machine; a path into one means nothing to anybody else.
const MACHINE_FOLDERS: [&str; 3] = ["home", "root", "work"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.ends_with([' ', '\t', '\r']) && !is_recorded(path) {
                findings.push(Finding::new(path, number, "white space at the end"));
            }
            if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| names(line, folder)) {
                let message = format!("a path into /{folder} exists on one machine only");
                findings.push(Finding::new(path, number, message));
            }
        }
    }
    findings
}

/// Whether the file holds bytes as somebody else wrote them.
fn is_recorded(path: &str) -> bool {
    path.contains("/fixtures/")
}

/// Whether an absolute path into the top folder stands in the line, rather than a longer path that
/// goes through a folder of that name.
fn names(line: &str, folder: &str) -> bool {
    let needle = format!("/{folder}/");
    line.match_indices(&needle).any(|(offset, _)| {
        let before = &line[..offset];
        let goes_on = |last: char| last.is_alphanumeric() || "/._-~*})".contains(last);
        // After two slashes it is a `file:` URL.
        !before.ends_with(goes_on) || before.ends_with("//")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn white_space_at_the_end_is_found() {
        assert_eq!(
            found("docs/a.md", "a\nb \n"),
            ["docs/a.md:2: white space at the end"]
        );
        assert_eq!(found("a.toml", "a\t\r\n").len(), 1);
        assert!(found("crates/a/tests/it/fixtures/b.txt", "a \n").is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in MACHINE_FOLDERS {
            for path in [format!("/{folder}/me/a"), format!("file:///{folder}/me")] {
                assert_eq!(found("a.md", &format!("see `{path}`")).len(), 1, "{path}");
            }
        }
    }

    #[test]
    fn a_folder_further_down_is_nobodys_machine() {
        for path in [
            "https://a.example/home/b",
            "./work/a",
            "$HOME/root/a",
            "/homes/a",
        ] {
            assert!(found("a.md", path).is_empty(), "{path}");
        }
    }
}
