//! Printing results: tables to read, or JSON exactly as it came.

mod json;
mod table;
mod words;

use std::io::{self, Write};

use serde_json::value::RawValue;

use crate::cli::Output;

use json::compact;
use table::{details, rows};

pub(crate) use table::{gauge, grid};

/// Prints one resource.
pub(crate) fn one(output: Output, raw: &RawValue) -> io::Result<()> {
    match output {
        Output::Table => line(&details(raw)),
        Output::Json => line(raw.get()),
        Output::Jsonl => line(&compact(raw.get())),
    }
}

/// Prints several resources of kinds that share their columns.
pub(crate) fn many(output: Output, list: &[Box<RawValue>], columns: &[String]) -> io::Result<()> {
    match output {
        Output::Table => line(&rows(list, columns)),
        Output::Json => {
            let values: Vec<_> = list.iter().map(|raw| raw.get()).collect();
            line(&format!("[{}]", values.join(",\n")))
        }
        Output::Jsonl => list.iter().try_for_each(|raw| line(&compact(raw.get()))),
    }
}

/// Writes a line to standard output. A reader that has seen enough ends the program quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
}

/// Writes a remark to standard error.
pub(crate) fn remark(text: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
