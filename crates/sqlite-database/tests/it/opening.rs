//! Opening and closing: which files are refused, and with which errors.

use std::fs::Permissions;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use sqlite_database::{
    AccessMode, CreateMode, DatabaseOptions, ErrorKind, SqliteDatabase, Synchronous,
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;

use crate::support::{ChildProcess, TABLE, TestDatabase, child_file, child_from, count, insert};

fn pragma(database: &SqliteDatabase, name: &str) -> String {
    let text = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
    let value = database.blocking_read(|db| Ok(db.pragma_query_value(None, name, text)?));
    format!("{:?}", value.expect("a pragma"))
}

#[tokio::test]
async fn a_missing_directory_is_named_and_not_created() {
    let directory = TempDir::new().expect("a directory");
    let missing = directory.path().join("no/such");
    let error = SqliteDatabase::open(missing.join("a.db"))
        .await
        .expect_err("no directory");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error
            .to_string()
            .ends_with(&format!("create `{}` first", missing.display())),
        "{error}"
    );
    assert!(!missing.exists());
}

#[tokio::test]
async fn create_mode_never_does_not_create_a_missing_file() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("a.db");
    let options = DatabaseOptions::default().with_create(CreateMode::Never);
    let error = SqliteDatabase::open_with(&path, options)
        .await
        .expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_directory_is_not_a_database() {
    let directory = TempDir::new().expect("a directory");
    let error = SqliteDatabase::open(directory.path())
        .await
        .expect_err("a directory");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt_and_stays_as_it_is() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("a.db");
    let text = "not a database, but long enough to be taken for one\n".repeat(100);
    std::fs::write(&path, &text).expect("a file");
    let error = SqliteDatabase::open(&path).await.expect_err("no database");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.operation(), "open");
    assert_eq!(error.database(), path.to_str());
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
}

#[tokio::test]
async fn paths_that_mean_in_memory_are_refused() {
    for name in ["", ":memory:"] {
        let error = SqliteDatabase::open(name).await.expect_err("no file");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn options_reach_the_file_and_its_connections() {
    let options = DatabaseOptions::default()
        .with_page_bytes(16_384)
        .with_cache_kib(1024)
        .with_mmap_bytes(1 << 20)
        .with_readers(NonZeroUsize::MIN)
        .with_synchronous(Synchronous::Full);
    let test = TestDatabase::open_with(options).await;
    let database = &test.database;
    for (name, value) in [
        ("journal_mode", "Text(\"wal\")"),
        ("page_size", "Integer(16384)"),
        ("auto_vacuum", "Integer(2)"),
        ("cache_size", "Integer(-1024)"),
        ("mmap_size", "Integer(1048576)"),
        ("synchronous", "Integer(2)"),
        ("foreign_keys", "Integer(1)"),
        ("temp_store", "Integer(2)"),
        ("journal_size_limit", "Integer(67108864)"),
    ] {
        assert_eq!(pragma(database, name), value, "{name}");
    }
}

// covers("F29")
#[tokio::test]
async fn new_files_have_pages_of_8_kib_and_a_wal() {
    let test = TestDatabase::open().await;
    assert_eq!(pragma(&test.database, "page_size"), "Integer(8192)");
    assert_eq!(pragma(&test.database, "journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma(&test.database, "synchronous"), "Integer(1)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_can_be_opened_many_times_at_once() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("a.db");
    let opening: Vec<_> = (0..16)
        .map(|_| tokio::spawn(SqliteDatabase::open(path.clone())))
        .collect();
    for handle in opening {
        handle.await.expect("no panic").expect("a database");
    }
}

#[tokio::test]
async fn an_existing_file_opens_without_the_write_lock() {
    let test = TestDatabase::open().await;
    let other = rusqlite::Connection::open(test.path()).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let options = DatabaseOptions::default().with_busy_timeout(Duration::ZERO);
    SqliteDatabase::open_with(test.path(), options)
        .await
        .expect("a database");
}

#[tokio::test]
async fn a_locked_file_is_waited_for_until_the_timeout() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("test.db");
    // Without a log, whose readers do not wait.
    let other = rusqlite::Connection::open(&path).expect("a connection");
    let locked = other.execute_batch("CREATE TABLE a (b); BEGIN EXCLUSIVE");
    locked.expect("a lock");
    let options = DatabaseOptions::default().with_busy_timeout(Duration::from_millis(500));
    let refused = SqliteDatabase::open_with(&path, options.clone()).await;
    assert_eq!(refused.expect_err("a lock").kind(), ErrorKind::Busy);
    other.execute_batch("COMMIT").expect("no lock");
    let database = SqliteDatabase::open_with(&path, options).await;
    database
        .expect("a database")
        .close()
        .await
        .expect("a close");
}

#[tokio::test]
async fn a_page_size_that_sqlite_would_ignore_is_refused() {
    let options = DatabaseOptions::default().with_page_bytes(1000);
    let error = SqliteDatabase::in_memory_with(options)
        .await
        .expect_err("no power of two");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// Permissions do not apply to root, so root runs the child as another user.
#[cfg(unix)]
#[tokio::test]
async fn a_file_or_directory_that_may_not_be_written_is_read_only() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65_534;
    let test = TestDatabase::open().await;
    test.database.close().await.expect("a close");
    let directory = test.path().parent().expect("a directory").to_owned();
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("own files");
    };
    allow(&directory, 0o755);
    // Another user may have no access to the build directory.
    let program = directory.join("it");
    std::fs::copy(std::env::current_exe().expect("this binary"), &program).expect("a copy");
    allow(&program, 0o755);
    // A file without permission, and one beside which no log can be created.
    for (in_directory, of_file) in [(0o755, 0o444), (0o555, 0o666)] {
        allow(&test.path(), of_file);
        allow(&directory, in_directory);
        let mut command = child_from(
            "opening::process_that_may_not_write",
            &test.path(),
            &program,
        );
        if directory.metadata().expect("a directory").uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir(&directory);
        ChildProcess::spawn(command).wait();
    }
    allow(&directory, 0o755);
}

#[cfg(unix)]
#[tokio::test]
#[ignore = "child process of a_file_or_directory_that_may_not_be_written_is_read_only"]
async fn process_that_may_not_write() {
    let error = SqliteDatabase::open(child_file())
        .await
        .expect_err("no permission");
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_and_its_index_have_the_permissions_of_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let test = TestDatabase::open().await;
    test.database.close().await.expect("a close");
    for mode in [0o600, 0o660] {
        let permissions = Permissions::from_mode(mode);
        std::fs::set_permissions(test.path(), permissions).expect("own files");
        let database = SqliteDatabase::open(test.path()).await;
        let database = database.expect("a database");
        let written = database.write(move |tx| insert(tx, &mode.to_string()));
        written.await.expect("a commit");
        for name in ["test.db-wal", "test.db-shm"] {
            let beside = std::fs::metadata(test.path().with_file_name(name));
            let created = beside.expect("a file").permissions().mode();
            assert_eq!(created & 0o777, mode, "{name}");
        }
        database.close().await.expect("a close");
    }
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    database.pool().await.expect("a pool");
    database.close().await.expect("a close");
    database.close().await.expect("a second close");
    database.write_detached(|tx| insert(tx, "Saga"));
    let errors = [
        database
            .write(|tx| insert(tx, "Saga"))
            .await
            .expect_err("closed"),
        database.blocking_read(|_| Ok(())).expect_err("closed"),
        database.read(|_| Ok(())).await.expect_err("closed"),
        database.pool().await.expect_err("closed"),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}

#[tokio::test]
async fn closing_finishes_the_queue_and_empties_the_wal() {
    let test = TestDatabase::open().await;
    for number in 0..100 {
        test.database
            .write_detached(move |tx| insert(tx, &number.to_string()));
    }
    test.database.close().await.expect("a close");
    assert_eq!(test.wal_bytes(), 0);
    let reopened = SqliteDatabase::open(test.path()).await.expect("a database");
    assert_eq!(count(&reopened), 100);
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_the_queue() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("a.db");
    let database = SqliteDatabase::open(&path).await.expect("a database");
    database
        .write(|tx| Ok(tx.execute_batch(TABLE)?))
        .await
        .expect("a table");
    let (written, is_written) = tokio::sync::oneshot::channel();
    database.write_detached(move |tx| {
        insert(tx, "Saga")?;
        written.send(()).expect("the test waits");
        Ok(())
    });
    drop(database);
    is_written.await.expect("the operation ran");
}

#[tokio::test]
async fn an_applications_pool_shares_its_file_and_stays_open() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .connect_with(options)
        .await
        .expect("a pool");
    sqlx::query(TABLE).execute(&pool).await.expect("a table");
    let database = SqliteDatabase::from_pool(pool.clone())
        .await
        .expect("a database");
    assert_eq!(database.path(), Some(path.as_path()));
    database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    database.close().await.expect("a close");
    let titles: i64 = sqlx::query_scalar("SELECT count(*) FROM book")
        .fetch_one(&pool)
        .await
        .expect("a count");
    assert_eq!(titles, 1);
}

#[tokio::test]
async fn options_beside_an_applications_pool_leave_the_pool_as_it_is() {
    let directory = TempDir::new().expect("a directory");
    let options = SqliteConnectOptions::new()
        .filename(directory.path().join("app.db"))
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .connect_with(options)
        .await
        .expect("a pool");
    let options = DatabaseOptions::default()
        .with_cache_kib(1024)
        .with_synchronous(Synchronous::Normal);
    let database = SqliteDatabase::from_pool_with(pool.clone(), options)
        .await
        .expect("a database");
    assert_eq!(pragma(&database, "cache_size"), "Integer(-1024)");
    assert_eq!(pragma(&database, "synchronous"), "Integer(1)");
    let pool = database.pool().await.expect("the application's pool");
    let of_pool = async |sql: &'static str| {
        let value = sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await;
        value.expect("a number")
    };
    assert_eq!(of_pool("PRAGMA cache_size").await, -2000);
    assert_eq!(of_pool("PRAGMA synchronous").await, 2);
}

#[tokio::test]
async fn a_pool_in_memory_is_refused() {
    let urls = ["sqlite::memory:", "sqlite://?mode=memory&cache=private"];
    for url in urls {
        let pool = SqlitePoolOptions::new().connect(url).await.expect("a pool");
        let error = SqliteDatabase::from_pool(pool).await.expect_err("no file");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{url}");
    }
    let options = SqliteConnectOptions::new()
        .filename("/elsewhere")
        .vfs("memdb");
    let pool = SqlitePoolOptions::new().connect_lazy_with(options.create_if_missing(true));
    let error = SqliteDatabase::from_pool(pool).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_file_of_a_format_that_cannot_be_written_is_refused() {
    let test = TestDatabase::open().await;
    test.database.close().await.expect("a close");
    let mut bytes = std::fs::read(test.path()).expect("the file");
    // The version for writing, of the future: not even root may write it.
    bytes[18] = 3;
    std::fs::write(test.path(), bytes).expect("the file");
    let error = SqliteDatabase::open(test.path()).await;
    assert_eq!(error.expect_err("a refusal").kind(), ErrorKind::ReadOnly);
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    assert_eq!(count(&database.expect("a database")), 0);
}

#[tokio::test]
async fn an_opening_does_not_wait_for_a_writer() {
    let test = TestDatabase::open().await;
    let other = rusqlite::Connection::open(test.path()).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let options = DatabaseOptions::default().with_busy_timeout(std::time::Duration::ZERO);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    assert_eq!(count(&database.expect("a database")), 0);
}
