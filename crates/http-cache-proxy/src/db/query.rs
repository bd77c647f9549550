//! `query`: questions in SQL.

use std::fmt::Write as _;
use std::io::Read;

use clap::Args;
use http_cache_db::sqlite::QueryRows;
use http_cache_db::sqlite_database::rusqlite::types::Value as Stored;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::output::grid;

use super::file::File;

/// The bytes of a blob that a table shows.
const SHOWN_BYTES: usize = 8;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// A single query; `-` reads it from standard input; without it, tables and views are listed
    #[arg(allow_hyphen_values = true)]
    sql: Option<String>,
}

pub(super) async fn run(file: &File, options: Options) -> Result<(), Error> {
    let sql = match options.sql.as_deref() {
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(Error::Input)?;
            Some(text)
        }
        _ => options.sql,
    };
    let store = file.look().await?;
    let found = match sql {
        Some(sql) => store.query(&sql).await,
        None => store.tables().await,
    };
    let found = found.map_err(|source| file.failed(source))?;
    file.print(|| text(&found), || json(&found))?;
    file.close(store).await
}

fn text(found: &QueryRows) -> String {
    let rows = found.rows.iter();
    let rows = rows.map(|row| row.iter().map(cell).collect());
    let numbers = (0..found.columns.len()).filter(|column| {
        let mut values = found.rows.iter().filter_map(|row| row.get(*column));
        values.any(is_number)
    });
    let numbers: Vec<_> = numbers.collect();
    grid(&found.columns, rows, &numbers)
}

const fn is_number(value: &Stored) -> bool {
    matches!(value, Stored::Integer(_) | Stored::Real(_))
}

fn cell(value: &Stored) -> String {
    match value {
        Stored::Null => "NULL".to_owned(),
        Stored::Integer(number) => number.to_string(),
        Stored::Real(number) => format!("{number:?}"),
        Stored::Text(text) => text.clone(),
        Stored::Blob(bytes) if bytes.len() <= SHOWN_BYTES => format!("x'{}'", hex(bytes)),
        Stored::Blob(bytes) => {
            let shown = bytes.get(..SHOWN_BYTES).unwrap_or_default();
            format!("x'{}…' ({} B)", hex(shown), bytes.len())
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn json(found: &QueryRows) -> Value {
    let names = distinct(&found.columns);
    let rows = found.rows.iter().map(|row| {
        let fields = names.iter().cloned().zip(row.iter().map(json_value));
        Value::Object(fields.collect::<Map<_, _>>())
    });
    rows.collect()
}

/// The names of the columns, of equal ones the later with a number: `a`, `a_2`. A JSON object has a name once.
fn distinct(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.clone();
        let mut number = 1;
        while names.contains(&name) || (number > 1 && columns.contains(&name)) {
            number += 1;
            name = format!("{column}_{number}");
        }
        names.push(name);
    }
    names
}

fn json_value(value: &Stored) -> Value {
    match value {
        Stored::Null => Value::Null,
        Stored::Integer(number) => json!(number),
        Stored::Real(number) => json!(number),
        Stored::Text(text) => json!(text),
        Stored::Blob(bytes) => json!(hex(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_of_columns_are_numbered() {
        let numbered = |columns: &[&str]| {
            let columns: Vec<_> = columns.iter().map(|name| (*name).to_owned()).collect();
            distinct(&columns)
        };
        assert_eq!(numbered(&["a", "b"]), ["a", "b"]);
        assert_eq!(numbered(&["a", "b", "a", "a"]), ["a", "b", "a_2", "a_3"]);
        assert_eq!(numbered(&["a", "a", "a_2"]), ["a", "a_3", "a_2"]);
        assert_eq!(numbered(&["a", "a_2", "a_2"]), ["a", "a_2", "a_2_2"]);
    }

    #[test]
    fn blobs_are_shown_by_their_first_bytes() {
        assert_eq!(cell(&Stored::Blob(vec![1, 255])), "x'01ff'");
        assert_eq!(
            cell(&Stored::Blob(vec![10; 32])),
            "x'0a0a0a0a0a0a0a0a…' (32 B)"
        );
        assert_eq!(json_value(&Stored::Blob(vec![1, 255])), json!("01ff"));
        assert_eq!(cell(&Stored::Null), "NULL");
        assert_eq!(cell(&Stored::Real(2.0)), "2.0");
    }
}
