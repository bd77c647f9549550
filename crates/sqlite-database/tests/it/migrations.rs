//! Migrations: all or nothing, one at a time, never past a newer schema.

use std::time::Duration;

use sqlite_database::{Component, ErrorKind, Migration, MigrationState, SqliteDatabase};
use tempfile::TempDir;

use crate::support::{ChildProcess, child, child_file, send_to_parent};

const BOOKS: Migration = Migration::new(
    1,
    "books",
    "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT; \
         INSERT INTO book VALUES (1, 'Saga');",
    "DROP TABLE book;",
);
const AUTHORS: Migration = Migration::new(
    2,
    "authors",
    "ALTER TABLE book ADD COLUMN author TEXT;",
    "ALTER TABLE book DROP COLUMN author;",
);
const BROKEN: Migration = Migration::new(
    3,
    "broken",
    "CREATE TABLE half (done INTEGER) STRICT; INSERT INTO nowhere VALUES (1);",
    "DROP TABLE half;",
);
/// Long enough to be interrupted: millions of rows.
const SLOW: Migration = Migration::new(
    3,
    "slow",
    "CREATE TABLE number (n INTEGER PRIMARY KEY) STRICT; \
         WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count LIMIT 100000000) \
         INSERT INTO number SELECT n FROM count;",
    "DROP TABLE number;",
);

const V1: Component = Component {
    name: "library",
    migrations: &[BOOKS],
};
const V2: Component = Component {
    name: "library",
    migrations: &[BOOKS, AUTHORS],
};
const V3_BROKEN: Component = Component {
    name: "library",
    migrations: &[BOOKS, AUTHORS, BROKEN],
};
const V3_SLOW: Component = Component {
    name: "library",
    migrations: &[BOOKS, AUTHORS, SLOW],
};

fn schema(database: &SqliteDatabase) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let read = database.blocking_read(|db| {
        let mut statement = db.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    });
    read.expect("a schema")
}

async fn states(database: &SqliteDatabase, component: &Component) -> Vec<(i64, MigrationState)> {
    let status = database
        .migration_status(component)
        .await
        .expect("a status");
    status
        .into_iter()
        .map(|migration| (migration.version, migration.state))
        .collect()
}

async fn open_new() -> (TempDir, SqliteDatabase) {
    let directory = TempDir::new().expect("a directory");
    let database = SqliteDatabase::open(directory.path().join("a.db"))
        .await
        .expect("a database");
    (directory, database)
}

#[tokio::test]
async fn migrations_go_up_and_exactly_down_again() {
    use MigrationState::{Applied, Pending};
    let (_directory, database) = open_new().await;
    assert_eq!(states(&database, &V2).await, [(1, Pending), (2, Pending)]);
    let mut steps = vec![schema(&database)];
    for version in [1, 2] {
        database.migrate_to(&V2, version).await.expect("a step up");
        steps.push(schema(&database));
    }
    assert_eq!(states(&database, &V2).await, [(1, Applied), (2, Applied)]);
    database.migrate(&V2).await.expect("nothing to do");
    for version in [1, 0] {
        steps.pop();
        database
            .migrate_to(&V2, version)
            .await
            .expect("a step down");
        assert_eq!(
            schema(&database),
            *steps.last().expect("a schema"),
            "version {version}"
        );
    }
    assert_eq!(states(&database, &V2).await, [(1, Pending), (2, Pending)]);
}

#[tokio::test]
async fn components_have_separate_migration_tables() {
    let other = Component {
        name: "other",
        migrations: &[],
    };
    let (_directory, database) = open_new().await;
    database.migrate(&V2).await.expect("a schema");
    database.migrate(&other).await.expect("no migrations");
    database
        .migrate_to(&other, 0)
        .await
        .expect("nothing to remove");
    assert_eq!(states(&database, &V2).await.len(), 2);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (_directory, database) = open_new().await;
    database.migrate(&V2).await.expect("a schema");
    let before = schema(&database);
    for target in [1, 0] {
        let error = database
            .migrate_to(&V1, target)
            .await
            .expect_err("a newer schema");
        assert_eq!(error.kind(), ErrorKind::SchemaNewer);
        let text = error.to_string();
        assert!(
            text.ends_with(
                "was written by a newer version (schema 2 of library, this program knows 1); \
                 upgrade this program"
            ),
            "{text}"
        );
    }
    assert_eq!(schema(&database), before);
    let states = states(&database, &V1).await;
    assert_eq!(
        states,
        [(1, MigrationState::Applied), (2, MigrationState::Unknown)]
    );
}

#[tokio::test]
async fn an_edited_migration_is_noticed() {
    const EDITED: Migration = Migration::new(1, "books", "SELECT 1", BOOKS.down);
    let edited = Component {
        name: "library",
        migrations: &[EDITED],
    };
    let (_directory, database) = open_new().await;
    database.migrate(&V1).await.expect("a schema");
    let error = database.migrate(&edited).await.expect_err("an edit");
    assert_eq!(error.kind(), ErrorKind::SchemaChanged);
    assert_eq!(
        states(&database, &edited).await,
        [(1, MigrationState::Changed)]
    );
}

#[tokio::test]
async fn a_failing_migration_changes_nothing() {
    let (_directory, database) = open_new().await;
    database.migrate(&V1).await.expect("a schema");
    let before = schema(&database);
    let error = database
        .migrate(&V3_BROKEN)
        .await
        .expect_err("a broken step");
    assert!(error.detail().contains("migration 3"), "{error}");
    assert_eq!(
        schema(&database),
        before,
        "also the steps before it are undone"
    );
}

#[tokio::test]
async fn a_table_can_be_rebuilt_under_foreign_keys() {
    const REBUILD: Migration = Migration::new(
        2,
        "rebuild",
        "CREATE TABLE page (book INTEGER NOT NULL REFERENCES book ON DELETE CASCADE) STRICT; \
             INSERT INTO page VALUES (1); \
             CREATE TABLE new (id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT; \
             INSERT INTO new SELECT id, title FROM book; \
             DROP TABLE book; ALTER TABLE new RENAME TO book;",
        "DROP TABLE page;",
    );
    const DANGLING: Migration = Migration::new(3, "dangling", "DELETE FROM book;", "SELECT 1;");
    let rebuild = Component {
        name: "library",
        migrations: &[BOOKS, REBUILD],
    };
    let dangling = Component {
        name: "library",
        migrations: &[BOOKS, REBUILD, DANGLING],
    };
    let (_directory, database) = open_new().await;
    database.migrate(&rebuild).await.expect("a rebuild");
    let pages: i64 = database
        .blocking_read(|db| Ok(db.query_row("SELECT count(*) FROM page", [], |row| row.get(0))?))
        .expect("a count");
    assert_eq!(pages, 1, "the rebuild cascaded");
    let error = database
        .migrate(&dangling)
        .await
        .expect_err("a broken reference");
    assert_eq!(error.kind(), ErrorKind::Constraint);
}

#[tokio::test]
async fn rules_of_a_component_are_checked() {
    const ZEROTH: Migration = Migration::new(0, "books", BOOKS.up, BOOKS.down);
    let (_directory, database) = open_new().await;
    for component in [
        Component {
            name: "TestDatabase; --",
            migrations: &[BOOKS],
        },
        Component {
            name: "",
            migrations: &[BOOKS],
        },
        Component {
            name: "library",
            migrations: &[AUTHORS, BOOKS],
        },
        Component {
            name: "library",
            migrations: &[ZEROTH],
        },
    ] {
        let error = database
            .migrate(&component)
            .await
            .expect_err("a broken rule");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let error = database
        .migrate_to(&V2, 7)
        .await
        .expect_err("no such version");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_up_to_date_schema_needs_no_lock() {
    let (_directory, database) = open_new().await;
    database.migrate(&V2).await.expect("a schema");
    let path = database.path().expect("a file").to_owned();
    let other = rusqlite::Connection::open(path).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    database.migrate(&V2).await.expect("only reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_may_migrate_at_once() {
    let (_directory, database) = open_new().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { database.migrate(&V2).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("a schema");
    }
    assert_eq!(schema(&database).len(), 2);
}

#[tokio::test]
async fn two_processes_may_start_at_once() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("a.db");
    let start = || ChildProcess::spawn(child("migrations::process_that_migrates", &path));
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    for process in processes {
        process.wait();
    }
    let database = SqliteDatabase::open(&path).await.expect("a database");
    assert_eq!(schema(&database).len(), 2);
}

#[tokio::test]
async fn a_killed_migration_leaves_the_old_schema() {
    let (directory, database) = open_new().await;
    database.migrate(&V2).await.expect("a schema");
    let before = schema(&database);
    let path = directory.path().join("a.db");
    let command = child("migrations::process_that_is_killed", &path);
    let mut process = ChildProcess::spawn(command);
    assert_eq!(process.receive(), "ready");
    let status = process.kill();
    assert!(
        !status.success(),
        "the process finished before it was killed"
    );
    assert_eq!(schema(&database), before);
    database.migrate(&V2).await.expect("still up to date");
    database
        .write(|tx| Ok(tx.execute_batch("UPDATE book SET title = 'Bone'")?))
        .await
        .expect("a commit");
    let check: String = database
        .blocking_read(|db| Ok(db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?))
        .expect("a check");
    assert_eq!(check, "ok");
}

#[tokio::test]
#[ignore = "child process of two_processes_may_start_at_once"]
async fn process_that_migrates() {
    let database = SqliteDatabase::open(child_file())
        .await
        .expect("a database");
    database.migrate(&V2).await.expect("a schema");
    database.close().await.expect("a close");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "child process of a_killed_migration_leaves_the_old_schema"]
async fn process_that_is_killed() {
    let path = child_file();
    let database = SqliteDatabase::open(&path).await.expect("a database");
    let (migrating, watching) = (database.clone(), path);
    let watcher = std::thread::spawn(move || {
        // The write lock is taken once the migration has begun.
        let probe = rusqlite::Connection::open(watching).expect("a connection");
        probe
            .busy_timeout(std::time::Duration::ZERO)
            .expect("no waiting");
        while probe.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
            std::thread::yield_now();
        }
        send_to_parent("ready");
    });
    migrating.migrate(&V3_SLOW).await.expect("a schema");
    watcher.join().expect("no panic");
}

/// Some hundreds of milliseconds.
const LONG: Migration = Migration::new(
    3,
    "long",
    "CREATE TABLE number (n INTEGER PRIMARY KEY) STRICT; \
         WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count LIMIT 500000) \
         INSERT INTO number SELECT n FROM count;",
    "DROP TABLE number;",
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_ends_though_each_caller_gives_up() {
    const COMPONENT: Component = Component {
        name: "library",
        migrations: &[BOOKS, AUTHORS, LONG],
    };
    let (_directory, database) = open_new().await;
    let mut given_up = 0;
    while given_up < 50_000 {
        let migrated = database.migrate(&COMPONENT);
        match tokio::time::timeout(Duration::from_millis(1), migrated).await {
            Ok(outcome) => {
                outcome.expect("a schema");
                break;
            }
            Err(_) => given_up += 1,
        }
    }
    assert!((1..50_000).contains(&given_up), "{given_up}");
    let applied = |version| (version, MigrationState::Applied);
    assert_eq!(states(&database, &COMPONENT).await, [1, 2, 3].map(applied));
}
