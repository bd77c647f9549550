//! Shared helpers: temporary files, keys and resources.

use std::path::{Path, PathBuf};

use store_core::{Key, Resource};
use store_sqlite::SqliteDatabase;
use tempfile::TempDir;

/// A temporary folder with the path of a database in it.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("stores.db")
    }

    pub(crate) async fn open(&self) -> SqliteDatabase {
        open(&self.file()).await
    }
}

pub(crate) async fn open(file: &Path) -> SqliteDatabase {
    SqliteDatabase::open(file).await.expect("a database")
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

pub(crate) fn resource(name: &str) -> Resource {
    Resource::new(name).expect("a resource")
}
