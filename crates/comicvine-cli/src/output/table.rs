//! Tables, as wide as the terminal. In files and pipes they are as wide as the variable `COLUMNS` says, else of a fixed
//! width.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width};
use comicvine_client::RawJson;
use serde_json::{Map, Value};

use super::columns::{Column, Columns};
use super::text::{Names, format_field, printable, shorten};

/// The width of a table in a file or a pipe, in characters.
const DEFAULT_WIDTH: u16 = 100;
/// Smallest and largest width, in characters.
const WIDTHS: std::ops::RangeInclusive<u16> = 40..=120;

/// Fields that identify a resource come first.
const FIRST: [&str; 12] = [
    "id",
    "name",
    "real_name",
    "aliases",
    "issue_number",
    "volume",
    "start_year",
    "publisher",
    "cover_date",
    "store_date",
    "deck",
    "description",
];
/// Fields about the database entry come last.
const LAST: [&str; 4] = [
    "date_added",
    "date_last_updated",
    "image",
    "site_detail_url",
];

const MAX_TEXT_CHARS: usize = 500;
const MAX_CELL_CHARS: usize = 80;
const LINES_PER_ROW: usize = 2;
/// The spaces beside the content of a cell, which comfy-table counts to its width.
const PADDING: u16 = 2;
/// The most characters of a first column that is not broken: a shortened key has fewer.
const MAX_UNBROKEN: usize = 24;

/// One resource, a field per row, without empty fields and API URLs. Other URLs follow the table, a line each: they
/// would be broken in it, and could not be copied.
pub(crate) fn details(raw: &RawJson) -> String {
    let Ok(Value::Object(fields)) = raw.decode() else {
        return printable(raw.get());
    };
    let (mut table, mut urls) = (empty(), String::new());
    for name in display_order(fields.keys().map(String::as_str)) {
        let text = format_field(name, &fields[name], Names::First);
        if text.is_empty() || name == "api_detail_url" {
            continue;
        }
        if is_url(&text) {
            urls.extend(["\n", &title(name), ": ", &text]);
        } else {
            table.add_row([title(name), shorten(&text, MAX_TEXT_CHARS)]);
        }
    }
    format!("{table}{urls}")
}

/// Several resources, one per row, with those of `columns` that are not empty in every row.
pub(crate) fn rows(list: &[RawJson], columns: &Columns) -> String {
    let resources: Vec<Map<String, Value>> =
        list.iter().filter_map(|raw| raw.decode().ok()).collect();
    let left_out = list.len() - resources.len();
    if list.is_empty() {
        return "Nothing found.".to_owned();
    }
    let cell = |fields: &Map<String, Value>, column: &Column| {
        let found = column.find(|name| fields.get_key_value(name));
        found.map_or_else(String::new, |(name, value)| {
            shorten(&format_field(name, value, Names::First), MAX_CELL_CHARS)
        })
    };
    let used: Vec<&Column> = columns
        .iter()
        .filter(|column| {
            resources
                .iter()
                .any(|fields| !cell(fields, column).is_empty())
        })
        .collect();
    let header: Vec<_> = used.iter().map(|column| title(column.name())).collect();
    let cells = resources
        .iter()
        .map(|fields| used.iter().map(|column| cell(fields, column)).collect());
    let is_number = |column: &str| column == "id" || column.starts_with("count_of_");
    let numbers: Vec<usize> = (0..used.len())
        .filter(|&index| is_number(used[index].name()))
        .collect();
    let table = grid(&header, cells, &numbers);
    match left_out {
        0 => table,
        some => format!("{table}\n{}", self::left_out(some)),
    }
}

/// Says how many rows are left out.
pub(crate) fn left_out(rows: usize) -> String {
    match rows {
        1 => "1 row is no resource; --output jsonl shows it".to_owned(),
        more => format!("{more} rows are no resources; --output jsonl shows them"),
    }
}

/// A table with a header; the columns with the indices `numbers` are aligned to the right. The first column, which
/// names the row, is not broken unless it is long.
pub(crate) fn grid(
    header: &[impl ToString],
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers: &[usize],
) -> String {
    let mut table = empty();
    let header: Vec<_> = header.iter().map(ToString::to_string).collect();
    let mut least: Vec<_> = header.iter().map(|title| longest_word(title)).collect();
    table.set_header(header);
    let mut longest = 0;
    for row in rows {
        for (least, cell) in least.iter_mut().zip(&row) {
            *least = (*least).max(if is_date(cell) { cell.len() } else { 0 });
        }
        longest = longest.max(row.first().map_or(0, |name| name.chars().count()));
        let mut row = Row::from(row);
        row.max_height(LINES_PER_ROW);
        table.add_row(row);
    }
    if longest <= MAX_UNBROKEN
        && let Some(first) = least.first_mut()
    {
        *first = longest.max(*first);
    }
    // Words of the header and dates are not broken, if there is room for all of them.
    let borders = 3 * least.len() + 1;
    if least.iter().sum::<usize>() + borders <= table.width().unwrap_or(DEFAULT_WIDTH).into() {
        for (column, least) in table.column_iter_mut().zip(least) {
            let least = Width::Fixed(u16::try_from(least).unwrap_or(u16::MAX) + PADDING);
            column.set_constraint(ColumnConstraint::LowerBoundary(least));
        }
    }
    if longest <= MAX_UNBROKEN
        && let Some(column) = table.column_mut(0)
    {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn longest_word(text: &str) -> usize {
    let words = text.split_whitespace();
    words.map(|word| word.chars().count()).max().unwrap_or(0)
}

/// Whether `text` is `2024-01-31`.
fn is_date(text: &str) -> bool {
    let is_digit = |(at, byte): (usize, u8)| {
        matches!(at, 4 | 7) == (byte == b'-') && (byte == b'-' || byte.is_ascii_digit())
    };
    text.len() == 10 && text.bytes().enumerate().all(is_digit)
}

/// A bar that shows the share of `part` in `whole`: `████░░░░░░`, shorter where there is little room.
pub(crate) fn usage_bar(part: u64, whole: u64) -> String {
    let is_narrow = empty().width().is_some_and(|width| width < 80);
    bar(part, whole, if is_narrow { 5 } else { 20 })
}

fn bar(part: u64, whole: u64, length: u64) -> String {
    // Any use shows, and only full use fills the bar.
    let filled = (part.min(whole) * length)
        .checked_div(whole)
        .map_or(length, |filled| filled.max(u64::from(part > 0)));
    (0..length)
        .map(|index| if index < filled { '█' } else { '░' })
        .collect()
}

fn empty() -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_truncation_indicator("…");
    let width = table.width().or_else(columns_variable);
    let width = width.unwrap_or(DEFAULT_WIDTH);
    table.set_width(width.clamp(*WIDTHS.start(), *WIDTHS.end()));
    table
}

fn columns_variable() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok()
}

fn is_url(text: &str) -> bool {
    let is_web = text.starts_with("http://") || text.starts_with("https://");
    is_web && !text.contains(' ')
}

fn title(name: &str) -> String {
    printable(&name.replace('_', " "))
}

/// The names of fields in the order of display.
pub(super) fn display_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let rank = |name: &str| {
        let at = |list: &[&str]| list.iter().position(|listed| *listed == name);
        match (at(&FIRST), at(&LAST)) {
            (Some(index), _) => (0, index),
            (None, None) => (1, 0),
            (None, Some(index)) => (2, index),
        }
    };
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|name| rank(name));
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(value: &Value) -> RawJson {
        RawJson::parse(value.to_string()).unwrap()
    }

    #[test]
    fn empty_fields_are_left_out_and_the_name_comes_early() {
        let text = details(&raw(&json!({
            "deck": null, "aliases": "A\r\nB", "id": 7, "name": "Saga",
            "site_detail_url": "http://s/", "team_credits": [], "zone": "last but one",
        })));
        assert!(!text.contains("deck") && !text.contains("team"));
        let place = |part: &str| text.find(part).unwrap();
        assert!(place("Saga") < place("A, B"));
        assert!(place("last but one") < place("http://s/"));
    }

    #[test]
    fn columns_that_no_row_fills_are_left_out() {
        let list = [raw(&json!({"id": 7, "deck": null})), raw(&json!({"id": 8}))];
        let text = rows(&list, &Columns::named(["id", "name", "deck"]));
        assert!(text.contains("id") && !text.contains("name") && !text.contains("deck"));
        assert_eq!(rows(&[], &Columns::named(["id"])), "Nothing found.");
    }

    #[test]
    fn no_line_is_wider_than_the_default_without_a_terminal() {
        let long = "word ".repeat(500);
        let row = raw(&json!({"id": 7, "name": long, "deck": long, "publisher": {"name": long}}));
        for text in [
            details(&row),
            rows(&[row], &Columns::named(["id", "name", "publisher", "deck"])),
        ] {
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(DEFAULT_WIDTH), "{widest}\n{text}");
        }
    }

    #[test]
    fn usage_bar_shows_any_use_and_fills_only_at_full_use() {
        let filled = |part, whole| bar(part, whole, 20).chars().filter(|&c| c == '█').count();
        assert_eq!(
            [filled(0, 200), filled(1, 200), filled(100, 200)],
            [0, 1, 10]
        );
        assert_eq!(
            [filled(199, 200), filled(200, 200), filled(201, 200)],
            [19, 20, 20]
        );
        assert_eq!(filled(0, 0), 20);
    }
}
