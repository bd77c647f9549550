//! Printing results: as tables, or as JSON exactly as the API sent it.

mod json;
mod table;
mod text;
mod time;

use std::io::{self, Write};

use comicvine_client::{Damage, RawJson};

use crate::options::OutputFormat;

use json::compact;
use table::{details, rows};

pub(crate) use table::{grid, usage_bar};
pub(crate) use time::{LogTime, ago, format_duration, local_time};

/// Prints one resource.
pub(crate) fn print_resource(output: OutputFormat, raw: &RawJson) -> io::Result<()> {
    match output {
        OutputFormat::Table => print_line(&details(raw)),
        OutputFormat::Json => print_line(raw.get()),
        OutputFormat::Jsonl => print_line(&compact(raw.get())),
    }
}

/// Prints several resources with these columns.
pub(crate) fn print_resources(
    output: OutputFormat,
    list: &[RawJson],
    columns: &[String],
) -> io::Result<()> {
    match output {
        OutputFormat::Table => print_line(&rows(list, columns)),
        OutputFormat::Json => {
            let values: Vec<_> = list.iter().map(RawJson::get).collect();
            print_line(&format!("[{}]", values.join(",\n")))
        }
        OutputFormat::Jsonl => list
            .iter()
            .try_for_each(|raw| print_line(&compact(raw.get()))),
    }
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

/// Writes a line to standard output.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
}

/// Writes text to standard output as it is.
#[cfg(feature = "dynamodb")]
pub(crate) fn print_text(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Writes a line to standard error.
pub(crate) fn print_notice(text: &str) {
    // There is no other place to report that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
