//! A database in a temporary directory, and child processes that open it.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlite_database::{DatabaseOptions, SqliteDatabase};
use store_conformance::child_process;
pub(crate) use store_conformance::child_process::{
    ChildProcess, receive_from_parent, send_to_parent,
};
use tempfile::TempDir;

/// The environment variable that passes the file to a child process.
const FILE_VARIABLE: &str = "SQLITE_DATABASE_TEST_FILE";

/// A new database with the table `book`; its file is removed when dropped.
pub(crate) struct TestDatabase {
    directory: TempDir,
    pub(crate) database: SqliteDatabase,
}

impl TestDatabase {
    pub(crate) async fn open() -> Self {
        Self::open_with(DatabaseOptions::default()).await
    }

    pub(crate) async fn open_with(options: DatabaseOptions) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("test.db");
        let database = SqliteDatabase::open_with(path, options)
            .await
            .expect("a new database");
        database
            .write(|tx| Ok(tx.execute_batch(TABLE)?))
            .await
            .expect("a table");
        Self {
            directory,
            database,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("test.db")
    }

    /// The handle, and the directory to keep for as long as it is used.
    pub(crate) fn into_parts(self) -> (Option<TempDir>, SqliteDatabase) {
        (Some(self.directory), self.database)
    }

    pub(crate) fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.directory.path().join("test.db-wal")).map_or(0, |file| file.len())
    }
}

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS book (title TEXT PRIMARY KEY) STRICT";

pub(crate) fn insert(db: &rusqlite::Connection, title: &str) -> sqlite_database::Result<()> {
    db.prepare_cached("INSERT INTO book VALUES (?1)")?
        .execute([title])?;
    Ok(())
}

pub(crate) fn count(database: &SqliteDatabase) -> i64 {
    let sql = "SELECT count(*) FROM book";
    database
        .blocking_read(|db| Ok(db.query_row(sql, [], |row| row.get(0))?))
        .expect("a count")
}

/// The names of the files in a directory, sorted.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Overwrites everything but the schema on the first page.
pub(crate) fn damage_middle(path: &Path) {
    let mut file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("the file");
    let length = file.metadata().expect("numbers").len();
    file.seek(SeekFrom::Start(8192)).expect("a place");
    let noise = vec![0xA5; usize::try_from(length - 8192).expect("a small file")];
    file.write_all(&noise).expect("damage");
}

/// A command that runs one ignored test of this binary in a child process.
pub(crate) fn child(test: &str, file: &Path) -> Command {
    let mut command = child_process::command(test);
    command.env(FILE_VARIABLE, file);
    command
}

/// Like [`child`], from a copy of this test binary.
pub(crate) fn child_from(test: &str, file: &Path, program: &Path) -> Command {
    let mut command = child_process::command_of(program, test);
    command.env(FILE_VARIABLE, file);
    command
}

/// In a child process: the file to open.
pub(crate) fn child_file() -> PathBuf {
    std::env::var_os(FILE_VARIABLE)
        .expect("started by another test")
        .into()
}
