//! Standard output: tables for people, as wide as the terminal or of a fixed width in files and pipes, or lines where a
//! table would break what is to be copied; JSON; bytes.

mod entries;
mod human;

use std::io::{self, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::error::Error;

pub(crate) use entries::{Entry, entries};
pub(crate) use human::{count, duration, percent, ratio, size, time};

/// The width of a table in a file or a pipe, in characters.
const DEFAULT_WIDTH: u16 = 140;
/// Smallest and largest width on a terminal, in characters.
const WIDTHS: std::ops::RangeInclusive<u16> = 40..=200;

/// Prints a text and the end of its line.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    print_bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes as they are. Whoever closed standard output wants no more.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    offer(bytes).map(|_| ())
}

/// Whether somebody reads standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    /// Standard output was closed.
    Gone,
}

/// Prints bytes as they are, as far as somebody reads them.
pub(crate) fn offer(bytes: &[u8]) -> Result<Reader, Error> {
    let mut output = io::stdout().lock();
    let written = output.write_all(bytes).and_then(|()| output.flush());
    match written {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Error::Output(error)),
    }
}

/// A table with a header; the columns with the indices `numbers` are aligned to the right.
pub(crate) fn grid(
    header: &[impl ToString],
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers: &[usize],
) -> String {
    filled(header, rows, numbers).to_string()
}

fn filled(
    header: &[impl ToString],
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers: &[usize],
) -> Table {
    let mut table = empty();
    table.set_header(header.iter().map(ToString::to_string));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table of names and values.
pub(crate) fn pairs<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = empty();
    for (name, value) in rows {
        table.add_row([printable(name), printable(&value)]);
    }
    table.to_string()
}

/// Paragraphs, the empty ones left out.
pub(crate) fn paragraphs(paragraphs: impl IntoIterator<Item = String>) -> String {
    let paragraphs = paragraphs.into_iter();
    let filled: Vec<_> = paragraphs.filter(|text| !text.is_empty()).collect();
    filled.join("\n\n")
}

fn empty() -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width());
    table
}

/// That of the terminal, within [`WIDTHS`].
fn width() -> u16 {
    let terminal = Table::new().width();
    terminal.map_or(DEFAULT_WIDTH, |width| {
        width.clamp(*WIDTHS.start(), *WIDTHS.end())
    })
}

/// The text without what would steer a terminal: it came from an origin.
fn printable(text: &str) -> String {
    let replaced = text.chars().map(|character| match character {
        '\n' | '\t' => ' ',
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    });
    replaced.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_default_without_a_terminal() {
        let long = "word/".repeat(100);
        for text in [
            grid(&["a", "b"], [vec![long.clone(), long.clone()]], &[1]),
            pairs([("a", long.clone())]),
        ] {
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest.unwrap() <= usize::from(DEFAULT_WIDTH), "{text}");
            let letters = text.chars().filter(|letter| *letter == 'w').count();
            assert!(letters >= 100, "nothing is cut off: {text}");
        }
    }

    #[test]
    fn values_do_not_steer_the_terminal() {
        let text = pairs([("a", "\u{1b}[2J\u{9b}1m\nb".to_owned())]);
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
        assert!(text.contains("[2J") && text.contains(" b"), "{text:?}");
    }
}
