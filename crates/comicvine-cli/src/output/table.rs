//! Tables for people: long texts shortened, markup removed, relations counted.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Fields that say what a resource is come first.
const FIRST: [&str; 8] = [
    "id",
    "name",
    "issue_number",
    "volume",
    "start_year",
    "publisher",
    "cover_date",
    "store_date",
];

/// Names of a relation that are shown before the rest is only counted.
const SHOWN_NAMES: usize = 5;
const LONGEST_TEXT: usize = 300;
const LONGEST_CELL: usize = 60;

/// One resource, a field per row; empty fields and addresses of the API are left out.
pub(crate) fn details(raw: &RawValue) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(raw.get()) else {
        return raw.get().to_owned();
    };
    let mut table = empty();
    for (name, value) in in_reading_order(&fields) {
        let text = shorten(&readable(value), LONGEST_TEXT);
        if !text.is_empty() && !is_for_programs(name) {
            table.add_row([name.replace('_', " "), text]);
        }
    }
    table.to_string()
}

/// Several resources, one per row, with these columns where any row has them.
pub(crate) fn rows(list: &[Box<RawValue>], columns: &[&str]) -> String {
    let resources: Vec<Map<String, Value>> = list
        .iter()
        .filter_map(|raw| serde_json::from_str(raw.get()).ok())
        .collect();
    if resources.is_empty() {
        return "nothing found".to_owned();
    }
    let used: Vec<&str> = columns
        .iter()
        .copied()
        .filter(|column| resources.iter().any(|fields| fields.contains_key(*column)))
        .collect();
    let header: Vec<_> = used.iter().map(|column| column.replace('_', " ")).collect();
    let cells = resources.iter().map(|fields| {
        let cell = |column: &&str| fields.get(*column).map(readable).unwrap_or_default();
        used.iter()
            .map(|column| shorten(&cell(column), LONGEST_CELL))
            .collect()
    });
    grid(&header, cells, &[])
}

/// A table with a header; the columns named in `numbers` are aligned to the right.
pub(crate) fn grid(
    header: &[String],
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers: &[usize],
) -> String {
    let mut table = empty();
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn empty() -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn in_reading_order(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let first = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
    let rest = fields
        .iter()
        .filter(|(name, _)| !FIRST.contains(&name.as_str()));
    first
        .chain(rest)
        .map(|(name, value)| (name.as_str(), value))
}

fn is_for_programs(name: &str) -> bool {
    name == "api_detail_url" || name == "image"
}

/// A value in words: relations by name and number, markup removed, lines joined.
fn readable(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => plain_text(text),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Array(items) => {
            let names: Vec<_> = items.iter().take(SHOWN_NAMES).map(readable).collect();
            let more = if items.len() > SHOWN_NAMES {
                ", …"
            } else {
                ""
            };
            format!("{}: {}{more}", items.len(), names.join(", "))
        }
        Value::Object(fields) => match fields.get("name") {
            Some(name) if !name.is_null() => {
                let number = fields.get("issue_number").map(readable);
                number.filter(|number| !number.is_empty()).map_or_else(
                    || readable(name),
                    |number| format!("{} (#{number})", readable(name)),
                )
            }
            _ => fields
                .get("id")
                .or_else(|| fields.get("date"))
                .map(readable)
                .unwrap_or_default(),
        },
    }
}

/// HTML as text: tags become spaces, the common entities characters, runs of white space one space.
fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            _ => text.push(character),
        }
    }
    let text = text
        .replace("&nbsp;", " ")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(value: &Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(value).unwrap()
    }

    #[test]
    fn relations_are_named_and_counted() {
        let credits: Vec<_> = (1..=7)
            .map(|id| json!({"id": id, "name": format!("P{id}")}))
            .collect();
        assert_eq!(readable(&json!(credits)), "7: P1, P2, P3, P4, P5, …");
        assert_eq!(readable(&json!({"id": 3, "name": null})), "3");
        assert_eq!(
            readable(&json!({"name": "Weird", "issue_number": "½"})),
            "Weird (#½)"
        );
    }

    #[test]
    fn markup_is_removed_from_descriptions() {
        assert_eq!(
            plain_text("<p>One &amp; <b>two</b></p>\r\nthree"),
            "One & two three"
        );
        assert_eq!(plain_text("1 > 0"), "1 > 0");
    }

    #[test]
    fn empty_fields_are_left_out_and_the_name_comes_early() {
        let text = details(&raw(
            &json!({"deck": null, "aliases": "A\r\nB", "id": 7, "name": "Saga"}),
        ));
        assert!(!text.contains("deck"));
        assert!(text.find("Saga") < text.find("A B"));
    }

    #[test]
    fn columns_that_no_row_has_are_left_out() {
        let text = rows(&[raw(&json!({"id": 7}))], &["id", "name"]);
        assert!(text.contains("id") && !text.contains("name"));
        assert_eq!(rows(&[], &["id"]), "nothing found");
    }
}
