//! What is around a database: names of its file, the async runtime, the limits of the process.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sqlite_database::sqlx::sqlite::SqlitePoolOptions;
use sqlite_database::{Component, DamageCheck, Error, ErrorKind, Migration, SqliteDatabase};

use crate::support::{ChildProcess, TestDatabase, child, child_file, count, insert};

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_not_opened() {
    let test = TestDatabase::open().await;
    test.database.close().await.expect("a close");
    let other = test.path().with_file_name("other.db");
    std::fs::hard_link(test.path(), &other).expect("a second name");
    for path in [&test.path(), &other] {
        let error = SqliteDatabase::open(path).await.expect_err("two names");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let shown = error.to_string();
        assert!(shown.contains("2 names (hard links)"), "{shown}");
        assert!(shown.contains("-samefile"), "the remedy: {shown}");
    }
    std::fs::remove_file(other).expect("one name");
    let database = SqliteDatabase::open(test.path()).await;
    database.expect("the name that is left");
}

#[tokio::test]
async fn a_copy_has_one_name_at_once() {
    let test = TestDatabase::open().await;
    let copy = test.path().with_file_name("copy.db");
    test.database.backup(&copy).await.expect("a copy");
    let database = SqliteDatabase::open(&copy).await;
    database.expect("a file").close().await.expect("a close");
}

/// A backup to a relative path, which is not taken for a URI.
#[tokio::test]
async fn a_copy_is_named_as_its_caller_says() {
    let test = TestDatabase::open().await;
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    let directory = tempfile::TempDir::new().expect("a directory");
    let mut command = child("surroundings::process_that_copies", &test.path());
    command.current_dir(directory.path());
    ChildProcess::spawn(command).wait();
    let copy = directory.path().join("file:x");
    let copy = SqliteDatabase::open(copy).await.expect("the copy");
    assert_eq!(count(&copy), 1);
}

#[tokio::test]
#[ignore = "child process of a_copy_is_named_as_its_caller_says"]
async fn process_that_copies() {
    let database = SqliteDatabase::open(child_file()).await;
    let database = database.expect("a database");
    database.backup("file:x").await.expect("a copy");
    database.close().await.expect("a close");
}

/// The error of a call that is made outside a runtime.
fn outside<T>(call: impl Future<Output = Result<T, Error>>) -> Error {
    let mut call = pin!(call);
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => error,
        Poll::Ready(Ok(_)) => panic!("it needs no runtime"),
        Poll::Pending => panic!("it waits for a runtime that is not there"),
    }
}

#[test]
fn a_call_outside_a_runtime_is_refused() {
    const EMPTY: Component = Component {
        name: "empty",
        migrations: &[Migration::new(1, "nothing", "SELECT 1", "SELECT 1")],
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let test = runtime.block_on(TestDatabase::open());
    let path = test.path();
    let pool = {
        let _entered = runtime.enter();
        SqlitePoolOptions::new()
            .connect_lazy("sqlite::memory:")
            .expect("a pool")
    };
    let copy = path.with_file_name("copy.db");
    let refused = [
        outside(SqliteDatabase::open(&path)),
        outside(SqliteDatabase::in_memory()),
        outside(SqliteDatabase::from_pool(pool)),
        outside(SqliteDatabase::set_aside(&path, DamageCheck::Schema)),
        outside(test.database.backup(&copy)),
        outside(test.database.check()),
        outside(test.database.vacuum()),
        outside(test.database.pool()),
        outside(test.database.migrate(&EMPTY)),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("tokio runtime"), "{error}");
    }
    assert!(!Path::new(&copy).exists());
    runtime.block_on(async {
        let written = test.database.write(|tx| insert(tx, "Saga")).await;
        written.expect("a commit");
    });
}

#[cfg(unix)]
#[tokio::test]
async fn exhausted_file_descriptors_are_named() {
    let test = TestDatabase::open().await;
    let command = child("surroundings::process_without_descriptors", &test.path());
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        limited.env(name, value.expect("a variable"));
    }
    ChildProcess::spawn(limited).wait();
}

#[cfg(unix)]
#[tokio::test]
#[ignore = "child process of exhausted_file_descriptors_are_named"]
async fn process_without_descriptors() {
    let opened = SqliteDatabase::open(child_file()).await;
    let opened = opened.expect("a database");
    // So that nothing needs a new thread, or a file of its own, below.
    opened.blocking_read(|_| Ok(())).expect("a connection");
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    let error = SqliteDatabase::open(child_file()).await;
    let error = error.expect_err("no descriptor");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
    let copy = child_file().with_file_name("copy.db");
    let error = opened.backup(copy).await.expect_err("no descriptor");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
    drop(taken);
    let opened = SqliteDatabase::open(child_file()).await;
    opened.expect("a database").close().await.expect("a close");
}
