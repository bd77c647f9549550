//! Several processes on one file.

use sqlite_database::{DatabaseOptions, ErrorKind, SqliteDatabase};

use crate::support::{
    ChildProcess, TestDatabase, child, child_file, count, insert, receive_from_parent,
    send_to_parent,
};

const WRITES: usize = 1000;

async fn write_many(database: &SqliteDatabase, prefix: &str) {
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (database, prefix) = (database.clone(), prefix.to_owned());
            tokio::spawn(async move {
                for number in 0..WRITES / 4 {
                    let title = format!("{prefix}-{task}-{number}");
                    database
                        .write(move |tx| insert(tx, &title))
                        .await
                        .expect("a commit");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_without_a_busy_error() {
    let test = TestDatabase::open().await;
    let start = || {
        let command = child("processes::process_that_writes", &test.path());
        let mut process = ChildProcess::spawn(command);
        assert_eq!(process.receive(), "ready");
        process
    };
    let mut processes = [start(), start()];
    for process in &mut processes {
        process.send("go");
    }
    write_many(&test.database, "parent").await;
    for process in processes {
        process.wait();
    }
    assert_eq!(
        count(&test.database),
        i64::try_from(3 * WRITES).expect("a small number")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "child process of two_processes_write_without_a_busy_error"]
async fn process_that_writes() {
    let database = SqliteDatabase::open(child_file())
        .await
        .expect("a database");
    send_to_parent("ready");
    assert_eq!(receive_from_parent(), "go");
    write_many(&database, &std::process::id().to_string()).await;
    database.close().await.expect("a close");
}

#[tokio::test]
async fn a_watch_reports_commits_of_another_process() {
    let test = TestDatabase::open().await;
    let mut watch = test.database.watch_changes();
    let command = child("processes::process_that_writes_once", &test.path());
    let process = ChildProcess::spawn(command);
    while count(&test.database) == 0 {
        watch.changed().await;
    }
    process.wait();
}

#[tokio::test]
async fn the_data_version_counts_a_commit_of_another_process() {
    let test = TestDatabase::open().await;
    let before = test.database.data_version().expect("a number");
    ChildProcess::spawn(child("processes::process_that_writes_once", &test.path())).wait();
    assert_ne!(test.database.data_version().expect("a number"), before);
}

#[tokio::test]
#[ignore = "child process of a_watch_reports_commits_of_another_process"]
async fn process_that_writes_once() {
    let database = SqliteDatabase::open(child_file())
        .await
        .expect("a database");
    database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    database.close().await.expect("a close");
}

#[tokio::test]
async fn a_lock_held_for_too_long_is_busy_and_passes() {
    let options =
        DatabaseOptions::default().with_busy_timeout(std::time::Duration::from_millis(20));
    let test = TestDatabase::open_with(options).await;
    let other = rusqlite::Connection::open(test.path()).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let error = test
        .database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect_err("locked");
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.is_retryable());
    assert_eq!(count(&test.database), 0, "readers are not blocked");
    other.execute_batch("ROLLBACK").expect("no lock");
    test.database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
}
