//! What a schema holds: the rows that going back may lose.

use sqlite_database::{Component, SqliteDatabase, rusqlite};

use crate::error::Error;

/// The components' tables that hold more rows than their migrations put in, with how many more.
///
/// Which tables and rows the migrations make is not declared anywhere: a new database in memory,
/// at the same versions, tells.
pub(crate) async fn rows(
    database: &SqliteDatabase,
    components: &[(&'static Component, i64)],
) -> Result<Vec<(String, u64)>, Error> {
    let new = SqliteDatabase::in_memory().await?;
    for (component, version) in components {
        new.migrate_to(component, *version).await?;
    }
    let mut stored = Vec::new();
    for table in new.read(tables)? {
        let made = new.read(|db| count(db, &table))?;
        let more = database.read(|db| count(db, &table))?.saturating_sub(made);
        if more > 0 {
            stored.push((table, more));
        }
    }
    new.close().await?;
    Ok(stored)
}

/// The tables, without SQLite's own and the books of the migrations.
fn tables(db: &rusqlite::Connection) -> sqlite_database::Result<Vec<String>> {
    let sql = r"SELECT name FROM sqlite_schema WHERE type = 'table'
        AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_migrations\_%' ESCAPE '\'
        ORDER BY name";
    let mut statement = db.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn count(db: &rusqlite::Connection, table: &str) -> sqlite_database::Result<u64> {
    let sql = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
    let rows: i64 = db.query_row(&sql, [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}
