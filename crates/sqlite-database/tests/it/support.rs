//! A fresh database in a directory of its own, and other processes that use it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlite_database::{DatabaseOptions, SqliteDatabase};
use tempfile::TempDir;

/// Where a helper process finds the file to work on.
const FILE_VARIABLE: &str = "SQLITE_DATABASE_TEST_FILE";

/// What a helper process prints when it has reached the point its test waits for.
pub(crate) const READY: &str = "ready";

pub(crate) struct Shelf {
    directory: TempDir,
    pub(crate) database: SqliteDatabase,
}

impl Shelf {
    pub(crate) async fn open() -> Self {
        Self::open_with(DatabaseOptions::default()).await
    }

    pub(crate) async fn open_with(options: DatabaseOptions) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("shelf.db");
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
        self.directory.path().join("shelf.db")
    }

    pub(crate) fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.directory.path().join("shelf.db-wal")).map_or(0, |file| file.len())
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
        .read(|db| Ok(db.query_row(sql, [], |row| row.get(0))?))
        .expect("a count")
}

/// Starts this test binary again, to run one ignored test as a process of its own.
pub(crate) fn helper(test: &str, file: &Path) -> Command {
    helper_of(test, file, &std::env::current_exe().expect("this binary"))
}

/// Like [`helper`], from a copy of this test binary.
pub(crate) fn helper_of(test: &str, file: &Path, program: &Path) -> Command {
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

/// The file that a helper process was started for.
pub(crate) fn helper_file() -> PathBuf {
    std::env::var_os(FILE_VARIABLE)
        .expect("started by another test")
        .into()
}

/// Waits until a helper process says that it is ready.
pub(crate) fn wait_until_ready(child: &mut Child) {
    let output = child.stdout.as_mut().expect("piped output");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert!(
        lines.any(|line| line.ends_with(READY)),
        "the helper process ended early"
    );
}
