//! Printing results: as tables, as JSON exactly as the API sent it, or as CSV.

mod columns;
mod csv;
mod json;
mod table;
mod text;
mod time;

use std::io::{self, Write};

use comicvine_client::{Damage, RawJson};

use store_core::Timestamp;

use crate::options::OutputFormat;

use table::{details, rows};

pub(crate) use columns::{Column, Columns};
pub(crate) use json::on_one_line;
pub(crate) use table::{grid, left_out, usage_bar};
pub(crate) use time::{LogTime, ago, format_duration, local_time};

/// Prints one resource; `columns` are those of CSV, by default every field.
pub(crate) fn print_resource(
    output: OutputFormat,
    raw: &RawJson,
    columns: Option<&Columns>,
) -> io::Result<()> {
    match output {
        OutputFormat::Table => print_line(&details(raw)),
        OutputFormat::Json => print_line(raw.get()),
        OutputFormat::Jsonl => print_line(&on_one_line(raw.get())),
        OutputFormat::Csv => {
            let all = csv::all_columns(raw);
            print_csv(std::slice::from_ref(raw), columns.unwrap_or(&all))
        }
    }
}

/// Prints several resources with these columns.
pub(crate) fn print_resources(
    output: OutputFormat,
    list: &[RawJson],
    columns: &Columns,
) -> io::Result<()> {
    match output {
        OutputFormat::Table => print_line(&rows(list, columns)),
        OutputFormat::Json => {
            let values: Vec<_> = list.iter().map(RawJson::get).collect();
            print_line(&format!("[{}]", values.join(",\n")))
        }
        OutputFormat::Jsonl => list
            .iter()
            .try_for_each(|raw| print_line(&on_one_line(raw.get()))),
        OutputFormat::Csv => print_csv(list, columns),
    }
}

fn print_csv(list: &[RawJson], columns: &Columns) -> io::Result<()> {
    print_csv_header(columns)?;
    print_csv_records(list, columns).map(drop)
}

pub(crate) fn print_csv_header(columns: &Columns) -> io::Result<()> {
    print_text(&csv::header(columns))
}

/// Prints a record for each resource; returns how many rows are none.
pub(crate) fn print_csv_records(list: &[RawJson], columns: &Columns) -> io::Result<usize> {
    let (records, left_out) = csv::records(list, columns);
    print_text(&records)?;
    Ok(left_out)
}

/// Says on standard error what was wrong with the text of a response, if anything was.
pub(crate) fn print_damage(damage: &[Damage]) {
    if damage.is_empty() {
        return;
    }
    let found: Vec<_> = damage.iter().map(ToString::to_string).collect();
    print_notice(&format!(
        "comicvine: the response holds {}, which were replaced to read it",
        found.join(" and ")
    ));
}

/// Says on standard error that an answer is an old one.
pub(crate) fn print_stale(fetched_at: Timestamp, now: Timestamp) {
    print_notice(&format!(
        "comicvine: from the cache, fetched {}; no newer answer is available",
        ago(fetched_at, now)
    ));
}

/// Writes a line to standard output.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
}

/// Writes text to standard output as it is.
pub(crate) fn print_text(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Writes a line to standard error.
pub(crate) fn print_notice(text: &str) {
    // There is no other place to report that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{}", text::printable(text));
}
