//! The repository's files, read once, so that every check is a function of text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::Error;

/// Folders with a leading dot that are ours; the others belong to editors and version control.
const DOT_FOLDERS: [&str; 4] = [".cargo", ".ci", ".config", ".github"];

/// Every file by its path from the root, with `/`; the text is absent where it is not UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Self, Error> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), Error> {
        for entry in fs::read_dir(folder).map_err(Error::file("list", folder))? {
            let entry = entry.map_err(Error::file("list", folder))?;
            let kind = entry.file_type().map_err(Error::file("list", folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                if is_ours(&name) {
                    self.read_folder(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() && name != ".git" {
                // A worktree has a file of that name where a clone has a folder.
                let bytes = fs::read(entry.path()).map_err(Error::file("read", &path))?;
                self.files.insert(path, String::from_utf8(bytes).ok());
            }
        }
        Ok(())
    }

    /// Every text file with its path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether a file or folder of this path exists.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || self.under(path).next().is_some()
    }

    /// The paths of the files in a folder and below it.
    pub(crate) fn under(&self, folder: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{folder}/");
        self.files
            .range(prefix.clone()..)
            .map(|(path, _)| path.as_str())
            .take_while(move |path| path.starts_with(&prefix))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
            .collect();
        Self { files }
    }
}

/// Whether a path ends in a dot and this.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, last)| last == extension)
}

fn is_ours(folder: &str) -> bool {
    folder != "target" && (!folder.starts_with('.') || DOT_FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_and_version_control_are_left_out() {
        assert!(is_ours("crates") && is_ours(".ci"));
        assert!(!is_ours("target") && !is_ours(".git"));
    }

    #[test]
    fn a_folder_exists_by_its_files_alone() {
        let tree = Tree::of(&[("crates/a/src/lib.rs", "")]);
        assert!(tree.exists("crates/a/src/") && tree.exists("crates/a/src/lib.rs"));
        assert!(!tree.exists("crates/a/sr") && !tree.exists("docs"));
    }
}
