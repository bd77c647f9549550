//! The rows of a schema's tables, which reverting its migrations may lose.

use sqlite_database::{Component, SqliteDatabase, rusqlite};

use crate::error::Error;

/// The components' tables that hold more rows than their migrations inserted, with the surplus.
///
/// The tables and rows that the migrations create are read from a new in-memory database at the same
/// versions.
pub(super) async fn count_all(
    database: &SqliteDatabase,
    components: &[(&'static Component, i64)],
) -> Result<Vec<(String, u64)>, Error> {
    let empty = SqliteDatabase::in_memory().await?;
    for (component, version) in components {
        empty.migrate_to(component, *version).await?;
    }
    let mut surplus = Vec::new();
    for table in empty.blocking_read(tables)? {
        let inserted = empty.blocking_read(|db| count(db, &table))?;
        let rows = database.blocking_read(|db| count(db, &table))?;
        if rows > inserted {
            surplus.push((table, rows - inserted));
        }
    }
    empty.close().await?;
    Ok(surplus)
}

/// All tables except SQLite's own and those that record migrations.
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
