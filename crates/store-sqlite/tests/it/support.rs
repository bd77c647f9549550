//! Shared helpers: temporary files, keys and resources.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Waker};

use store_core::{Key, Resource, SECOND};
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

/// Holds the write lock until the sender is used, or for 10 s; returns once it is held.
pub(crate) fn hold_write_lock(database: &SqliteDatabase) -> mpsc::Sender<()> {
    let ((held, is_held), (release, released)) = (mpsc::channel(), mpsc::channel());
    let database = database.clone();
    tokio::spawn(async move {
        let held = database.write(move |_| {
            let _sent = held.send(());
            let _released = released.recv_timeout(10 * SECOND);
            Ok(())
        });
        held.await.expect("the lock");
    });
    is_held.recv().expect("the lock");
    release
}

pub(crate) fn is_pending<T>(call: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> bool {
    call.poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}
