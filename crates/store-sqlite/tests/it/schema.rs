//! The schema, its migrations, and the query plans of the statements.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use store_core::ErrorKind;
use store_sqlite::{COMPONENTS, SqliteDatabase, sqlite_version};

use crate::support::{Folder, open};

/// The schema without the migrations tables, comments and line breaks.
fn schema(db: &Connection) -> Vec<String> {
    let mut statement = db
        .prepare(
            "SELECT sql FROM sqlite_schema
             WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_migrations_*'
             ORDER BY name",
        )
        .expect("a statement");
    let rows = statement.query_map([], |row| row.get::<_, String>(0));
    rows.expect("a schema")
        .map(|sql| plain(&sql.expect("text")))
        .collect()
}

fn plain(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next());
    let words = lines.flatten().flat_map(str::split_whitespace);
    let text = words.collect::<Vec<_>>().join(" ");
    // SQLite appends a new column after the old text of the table.
    text.replace(" ,", ",")
        .replace(" )", ")")
        .replace("( ", "(")
}

async fn schema_of(database: &SqliteDatabase) -> Vec<String> {
    let read = database.read(|db| Ok(schema(db)));
    read.await.expect("a schema")
}

#[tokio::test]
async fn schema_sql_is_the_sum_of_the_migrations() {
    let folder = Folder::new();
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    let expected = Connection::open_in_memory().expect("a database");
    expected
        .execute_batch(include_str!("../../schema.sql"))
        .expect("statements");
    assert_eq!(schema_of(&database).await, schema(&expected));
}

// covers("D13")
#[tokio::test]
async fn each_migration_can_be_undone_exactly() {
    let folder = Folder::new();
    let database = folder.open().await;
    for component in COMPONENTS {
        let mut before = vec![(0, schema_of(&database).await)];
        for migration in component.migrations {
            let up = database.migrate_to(component, migration.version).await;
            up.expect("a step up");
            before.push((migration.version, schema_of(&database).await));
        }
        for (version, schema) in before.iter().rev() {
            let down = database.migrate_to(component, *version).await;
            down.expect("a step down");
            assert_eq!(&schema_of(&database).await, schema, "{}", component.name);
        }
    }
}

/// The rows that `sql` finds, each as text.
async fn rows(database: &SqliteDatabase, sql: &'static str) -> Vec<String> {
    let found = database.read(move |db| {
        let mut statement = db.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    });
    found.await.expect("rows")
}

// covers("D13")
#[tokio::test]
async fn admissions_survive_the_ways_up_and_down() {
    const INDEXED: &str = "SELECT concat_ws(' ', resource, timestamp, priority, keep_until, permit)
         FROM rate_limits ORDER BY timestamp, id";
    let folder = Folder::new();
    let database = folder.open().await;
    let [_, _, limits, ..] = COMPONENTS;
    let earlier = database.migrate_to(limits, 2).await;
    earlier.expect("the form before");
    let write = database.write(|tx| {
        // The clock was set back between the first two; the last resource has an endless window.
        Ok(tx.execute_batch(
            "INSERT INTO rate_limits VALUES
               (4, 'issues', 2000, 'user', 5000, NULL), (5, 'issues', 1000, 'background', 4000, 77),
               (6, 'issues', 2000, 'user', 5000, 78), (7, 'odd', 3000, 'user', 9223372036854775807, 79);
             INSERT INTO rate_resources (resource, keep_ms)
             VALUES ('issues', 3000), ('odd', 9223372036854775807);",
        )?)
    });
    write.await.expect("rows");
    let before = rows(&database, INDEXED).await;

    let up = database.migrate_to(limits, 3).await;
    up.expect("a step up");
    let tree = "SELECT concat_ws(' ', resource, timestamp, id, is_user, permit)
         FROM rate_limits ORDER BY resource, timestamp, id";
    let expected = [
        "issues 1000 1 0 77",
        "issues 2000 2 1",
        "issues 2000 3 1 78",
        "odd 3000 1 1 79",
    ];
    assert_eq!(rows(&database, tree).await, expected);

    let down = database.migrate_to(limits, 2).await;
    down.expect("a step down");
    assert_eq!(rows(&database, INDEXED).await, before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_a_remedy() {
    let folder = Folder::new();
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    let newer = "INSERT INTO _migrations_cache
        SELECT 99, 'later', installed_on, success, checksum, execution_time
        FROM _migrations_cache LIMIT 1";
    let written = database.write(move |tx| Ok(tx.execute(newer, [])?)).await;
    written.expect("a row");
    let again = open(&folder.file()).await;
    let error = store_sqlite::migrate(&again).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::SchemaNewer);
    let cause = std::error::Error::source(&error).expect("a cause");
    assert!(cause.to_string().contains("upgrade"), "{cause}");
}

#[test]
fn sqlite_is_free_of_the_wal_reset_defect() {
    let numbers = sqlite_version()
        .split('.')
        .map(|part| part.parse::<u32>().expect("a number"));
    assert!(numbers.collect::<Vec<_>>() >= vec![3, 51, 3]);
}

/// Statements that scan tables and are not on a request's path; `…` matches any rest.
const OFF_PATH: &[&str] = &[
    // The first use of a file.
    "SELECT EXISTS (SELECT 1 FROM sqlite_schema …",
    // The check of a file.
    "SELECT 1 FROM pragma_table_info …",
    // Listings, audits and counts.
    "SELECT resource, timestamp, id, is_user FROM rate_limits …",
    "SELECT count(*) FROM cache",
    "SELECT status, lease_until, created_at FROM dedupe_jobs",
    "SELECT page_count * page_size …",
    // Clearing.
    "SELECT hash, length(value) FROM cache LIMIT ?1",
    "DELETE FROM cache_hidden",
    "DELETE FROM cache_tags",
    "DELETE FROM dedupe_jobs",
    "DELETE FROM dedupe_results",
    "DELETE FROM dedupe_results WHERE hash >= ?1 AND hash < ?2",
    "DELETE FROM rate_limits; …",
    // Cleanup, and listings while removals are pending. There is a follower per process.
    "DELETE FROM cache_followers WHERE lease_until …",
    "SELECT min(sequence) FROM cache_followers",
    "SELECT subject, epoch, position FROM cache_hidden LIMIT 1",
    "SELECT subject, epoch FROM cache_hidden",
    "SELECT rowid, ifnull(length(result), 0) FROM dedupe_results …",
    "SELECT rowid, ifnull(length(result), 0) FROM dedupe_jobs …",
    "SELECT log.resource, log.timestamp, log.id FROM rate_resources …",
    "SELECT known.resource FROM rate_resources AS known …",
];

fn is_off_path(sql: &str) -> bool {
    OFF_PATH.iter().any(|named| match named.strip_suffix('…') {
        Some(beginning) => sql.starts_with(beginning),
        None => sql == *named,
    })
}

/// Every statement in the sources: string literals that start with a verb of SQL.
fn statements(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            statements(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source");
        let code = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for literal in code.split('"').skip(1).step_by(2) {
            let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
            if verbs.iter().any(|verb| literal.starts_with(verb)) {
                found.push(plain(literal));
            }
        }
    }
}

// covers("D17", "F28")
#[tokio::test]
async fn no_statement_on_a_requests_path_scans_a_table() {
    let folder = Folder::new();
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    let mut found = Vec::new();
    statements(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 30, "only {} statements found", found.len());
    let scans = database.read(move |db| {
        let mut scans = Vec::new();
        for sql in found.iter().filter(|sql| !is_off_path(sql)) {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let mut rows = plan.raw_query();
            while let Some(row) = rows.next()? {
                let step: String = row.get(3)?;
                // A constant row of a join is no table.
                let is_table = !step.contains("CONSTANT ROW") && !step.contains("(subquery");
                if step.starts_with("SCAN") && is_table {
                    scans.push(format!("{step}: {sql}"));
                }
            }
        }
        Ok(scans)
    });
    assert_eq!(scans.await.expect("plans"), Vec::<String>::new());
}
