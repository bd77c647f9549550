//! Where the repository is on this machine.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::error::Error;

/// The checkout that the chores work on.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The workspace this program belongs to, or else the one around the current directory.
    ///
    /// Asked for at run time: a path compiled in would outlive a checkout that has moved.
    pub(crate) fn locate() -> Result<Self, Error> {
        let from = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(env::current_dir, |folder| Ok(PathBuf::from(folder)))
            .map_err(Error::file("find", "the current directory"))?;
        from.ancestors()
            .find(|folder| is_workspace(folder))
            .map(|root| Self {
                root: root.to_owned(),
            })
            .ok_or_else(|| Error::NoRepository {
                from: from.display().to_string(),
            })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

fn is_workspace(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml"))
        .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[workspace]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_folder_above_this_crate() {
        let repository = Repository::locate().unwrap();
        assert!(repository.root().join("xtask/Cargo.toml").is_file());
    }
}
