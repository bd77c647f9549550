//! Files as the npm package writes them.

use std::path::Path;

use rusqlite::{Connection, params};
use store_core::{ManualClock, Timestamp};

/// When the files were written.
pub(crate) const WRITTEN: i64 = 1_700_000_000_000;

/// The tables that the npm package creates with either limiter.
const TABLES: &str = "
    CREATE TABLE cache (
      hash TEXT PRIMARY KEY,
      value BLOB NOT NULL,
      expires_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    );
    CREATE INDEX idx_cache_expires_at ON cache(expires_at);
    CREATE TABLE dedupe_jobs (
      hash TEXT PRIMARY KEY,
      job_id TEXT NOT NULL,
      status TEXT NOT NULL,
      result BLOB,
      error TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    );
    CREATE INDEX idx_dedupe_status ON dedupe_jobs(status);";

pub(crate) const PLAIN_LIMITS: &str = "
    CREATE TABLE rate_limits (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      resource TEXT NOT NULL,
      timestamp INTEGER NOT NULL
    );
    CREATE INDEX idx_rate_limit_resource ON rate_limits(resource);
    CREATE INDEX idx_rate_limit_timestamp ON rate_limits(timestamp);";

pub(crate) const ADAPTIVE_LIMITS: &str = "
    CREATE TABLE rate_limits (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      resource TEXT NOT NULL,
      timestamp INTEGER NOT NULL,
      priority TEXT NOT NULL DEFAULT 'background'
    );
    CREATE INDEX idx_rate_limit_resource ON rate_limits(resource);
    CREATE INDEX idx_rate_limit_timestamp ON rate_limits(timestamp);
    CREATE INDEX idx_rate_limit_resource_priority_timestamp
      ON rate_limits(resource, priority, timestamp);";

/// Writes a file as the npm package does: values are JSON in a JSON string.
pub(crate) fn write_npm_file(file: &Path, limits: &str) {
    let db = Connection::open(file).expect("a file");
    db.execute_batch(TABLES).expect("tables");
    db.execute_batch(limits).expect("tables");
    let has_priority = limits.contains("priority");
    for (hash, value, expires_at) in [
        (
            "k0001",
            r#""{\"id\":1,\"name\":\"Issue 1 — ½\"}""#,
            WRITTEN + 3_600_000,
        ),
        ("null", r#""null""#, WRITTEN + 3_600_000),
        ("a'b:%_", r#""\"just a string\"""#, WRITTEN + 3_600_000),
        ("expired", r#""{\"gone\":true}""#, WRITTEN),
        // For a lifetime of 0, documented as unlimited, version 0.2.0 wrote an expiry equal to the
        // creation; older files may have 0.
        ("ttl 0", r#""{\"ttl\":0}""#, WRITTEN),
        ("forever", r#""{\"ttl\":\"none\"}""#, 0),
    ] {
        let row = params![hash, value.as_bytes(), expires_at, WRITTEN];
        db.execute("INSERT INTO cache VALUES (?1, ?2, ?3, ?4)", row)
            .expect("a row");
    }
    for (hash, status, result, error) in [
        ("done", "completed", Some(r#""{\"r\":1}""#.as_bytes()), None),
        ("failed", "failed", None, Some("boom")),
        ("pending", "pending", None, None),
    ] {
        let job = format!("0f92f8f0-c8e2-46d8-b84c-be9ae19c45e{}", hash.len());
        let row = params![hash, job, status, result, error, WRITTEN, WRITTEN];
        db.execute(
            "INSERT INTO dedupe_jobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            row,
        )
        .expect("a row");
    }
    for index in 0..30 {
        let row = params![WRITTEN + index * 20];
        let sql = match (has_priority, index % 3) {
            (true, 0) => {
                "INSERT INTO rate_limits (resource, timestamp, priority)
                 VALUES ('issues', ?1, 'user')"
            }
            _ => "INSERT INTO rate_limits (resource, timestamp) VALUES ('issues', ?1)",
        };
        db.execute(sql, row).expect("a row");
    }
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(WRITTEN + 1_000))
}

/// Adds cached values of 4 kB each, so that a migration takes a while.
pub(crate) fn enlarge(file: &Path, values: u32) {
    let mut db = Connection::open(file).expect("a file");
    let tx = db.transaction().expect("a transaction");
    for number in 0..values {
        let value = format!("\"{{\\\"id\\\":{number},\\\"text\\\":\\\"{number:0>4000}\\\"}}\"");
        let row = params![
            format!("issue:{number}"),
            value.as_bytes(),
            WRITTEN + 3_600_000,
            WRITTEN
        ];
        tx.execute("INSERT INTO cache VALUES (?1, ?2, ?3, ?4)", row)
            .expect("a row");
    }
    tx.commit().expect("space");
}

/// The schema, and all rows that the package wrote, as text.
pub(crate) fn contents(file: &Path) -> (Vec<String>, Vec<String>) {
    let db = Connection::open(file).expect("a file");
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("text")).collect()
    };
    let schema = texts("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name");
    let rows = texts(
        "SELECT concat_ws('|', 'cache', hash, hex(value), expires_at, created_at) FROM cache
         UNION ALL
         SELECT concat_ws('|', 'job', hash, job_id, status, hex(result), error, created_at) FROM dedupe_jobs
         UNION ALL
         SELECT concat_ws('|', 'request', id, resource, timestamp) FROM rate_limits
         ORDER BY 1",
    );
    assert_eq!(texts("PRAGMA integrity_check"), ["ok"]);
    (schema, rows)
}
