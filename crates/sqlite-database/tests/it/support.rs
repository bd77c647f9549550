//! A database in a temporary directory, and child processes that open it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlite_database::{DatabaseOptions, SqliteDatabase};
use tempfile::TempDir;

/// The environment variable that passes the file to a child process.
const FILE_VARIABLE: &str = "SQLITE_DATABASE_TEST_FILE";

/// What a child process prints once its test may go on.
pub(crate) const READY: &str = "ready";

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

/// A command that runs one ignored test of this binary in a child process.
pub(crate) fn child(test: &str, file: &Path) -> Command {
    child_from(test, file, &std::env::current_exe().expect("this binary"))
}

/// Like [`child`], from a copy of this test binary.
pub(crate) fn child_from(test: &str, file: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FILE_VARIABLE, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// In a child process: the file to open.
pub(crate) fn child_file() -> PathBuf {
    std::env::var_os(FILE_VARIABLE)
        .expect("started by another test")
        .into()
}

/// Waits until a child process prints [`READY`].
pub(crate) fn wait_until_ready(child: &mut Child) {
    let output = child.stdout.as_mut().expect("piped output");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert!(
        lines.any(|line| line.ends_with(READY)),
        "the child process ended early"
    );
}
