//! The copy of the repository that mistakes are made in.
//!
//! What must stay true: nothing outside the copy is ever written, and a run begins with a copy that
//! is as the repository is, whatever an earlier run left behind.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::repository::Repository;

use super::entry::{Misplaced, Mutation};

/// Below the repository's root, where version control does not look.
const FOLDER: &str = "target/mutants";

/// The copy; no other process works on it for as long as this lives.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    _lock: File,
}

/// A file with a mistake in it.
#[derive(Debug)]
pub(super) struct Mutated {
    path: PathBuf,
    original: String,
}

impl Scratch {
    /// Brings the copy up to date: the files that version control knows, as they are now.
    pub(super) fn open(repository: &Repository) -> Result<Self, Error> {
        Self::of(
            &repository.root().join(FOLDER),
            repository.root(),
            &tracked(repository)?,
        )
    }

    fn of(folder: &Path, root: &Path, files: &BTreeSet<String>) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        let lock_file = folder.join("lock");
        let lock = File::create(&lock_file).map_err(Error::file("create", &lock_file))?;
        lock.lock().map_err(Error::file("lock", &lock_file))?;
        let scratch = Self {
            folder: folder.to_owned(),
            _lock: lock,
        };
        let mut copied = BTreeSet::new();
        for file in files {
            if scratch.copy(root, file)? {
                copied.insert(scratch.root().join(file));
            }
        }
        remove_others(&scratch.root(), &copied)?;
        Ok(scratch)
    }

    /// The copy's own root.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Where the copy is built.
    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Where the output of the last test goes.
    pub(super) fn output(&self) -> PathBuf {
        self.folder.join("output.txt")
    }

    /// Copies one file if it is there and differs: what is written anew is also built anew.
    fn copy(&self, root: &Path, file: &str) -> Result<bool, Error> {
        let (from, to) = (root.join(file), self.root().join(file));
        let bytes = match fs::read(&from) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::file("read", &from)(error)),
        };
        if fs::read(&to).is_ok_and(|before| before == bytes) {
            return Ok(true);
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        fs::write(&to, bytes).map_err(Error::file("write", &to))?;
        Ok(true)
    }

    /// Makes the mistake.
    pub(super) fn mutate(&self, mutation: &Mutation) -> Result<Result<Mutated, Misplaced>, Error> {
        let path = self.root().join(&mutation.file);
        let original = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        let text = match mutation.apply(&original) {
            Ok(text) => text,
            Err(misplaced) => return Ok(Err(misplaced)),
        };
        fs::write(&path, text).map_err(Error::file("write", &path))?;
        Ok(Ok(Mutated { path, original }))
    }
}

impl Mutated {
    /// Takes the mistake back.
    pub(super) fn restore(self) -> Result<(), Error> {
        fs::write(&self.path, self.original).map_err(Error::file("write", &self.path))
    }
}

/// The files that version control knows.
fn tracked(repository: &Repository) -> Result<BTreeSet<String>, Error> {
    let command = "git ls-files -z";
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap_or_default())
        .args(words)
        .current_dir(repository.root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Start {
            command: command.to_owned(),
            source,
        })?;
    if !output.status.success() {
        return Err(Error::Failed {
            command: command.to_owned(),
            status: output.status,
        });
    }
    let names = output.stdout.split(|byte| *byte == 0);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

/// Removes files that the repository no longer has.
fn remove_others(folder: &Path, copied: &BTreeSet<PathBuf>) -> Result<(), Error> {
    let list = |folder: &Path| fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>();
    for entry in list(folder).map_err(Error::file("list", folder))? {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_others(&path, copied)?;
        } else if !copied.contains(&path) {
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::entry;
    use super::*;

    const FILE: &str = "crates/a/src/lib.rs";

    /// A repository of one file, and a copy of it.
    fn copied(text: &str) -> (TempDir, Scratch) {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("crates/a/src")).unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let scratch = again(&folder);
        (folder, scratch)
    }

    fn again(folder: &TempDir) -> Scratch {
        let files = [FILE.to_owned(), "deleted.rs".to_owned()];
        let scratch = folder.path().join("scratch");
        Scratch::of(&scratch, folder.path(), &files.into()).unwrap()
    }

    fn text(scratch: &Scratch) -> String {
        fs::read_to_string(scratch.root().join(FILE)).unwrap()
    }

    fn mutation() -> Mutation {
        let text = format!(
            "[[mutation]]\nrow = \"F1\"\nclaim = \"t\"\npackage = \"a\"\nfile = \"{FILE}\"\n\
             find = \"<\"\nreplace = \"<=\"\nwhy = \"late\"\n"
        );
        entry::planted(&text).mutations.remove(0)
    }

    #[test]
    fn a_mistake_is_made_in_the_copy_alone_and_taken_back() {
        let (folder, scratch) = copied("a < b");
        let mutated = scratch.mutate(&mutation()).unwrap().unwrap();
        assert_eq!(text(&scratch), "a <= b");
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), b"a < b");
        mutated.restore().unwrap();
        assert_eq!(text(&scratch), "a < b");
    }

    #[test]
    fn a_mistake_without_a_place_of_its_own_is_not_made() {
        let (_folder, scratch) = copied("a < b < c");
        let refused = scratch.mutate(&mutation()).unwrap();
        assert_eq!(refused.unwrap_err(), Misplaced(2));
        assert_eq!(text(&scratch), "a < b < c");
    }

    #[test]
    fn a_run_begins_as_the_repository_is() {
        let (folder, scratch) = copied("a < b");
        drop(scratch.mutate(&mutation()).unwrap().unwrap());
        fs::write(scratch.root().join("crates/stray.rs"), "").unwrap();
        drop(scratch);
        let scratch = again(&folder);
        assert_eq!(text(&scratch), "a < b");
        assert!(!scratch.root().join("crates/stray.rs").exists());
    }

    #[test]
    fn what_did_not_change_is_not_written_anew() {
        let (folder, scratch) = copied("a < b");
        let written = |scratch: &Scratch| {
            let file = fs::metadata(scratch.root().join(FILE)).unwrap();
            file.modified().unwrap()
        };
        let before = written(&scratch);
        drop(scratch);
        assert_eq!(written(&again(&folder)), before);
    }

    #[test]
    fn version_control_knows_this_repository() {
        let files = tracked(&Repository::locate().unwrap()).unwrap();
        assert!(files.contains("Cargo.toml") && files.contains("xtask/src/main.rs"));
    }
}
