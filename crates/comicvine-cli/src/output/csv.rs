//! CSV by RFC 4180: a header, then a record per resource. Texts and numbers are as the API sent them, with
//! their line breaks; nested values are as in a table, but whole.

use std::collections::BTreeMap;

use comicvine_client::RawJson;
use csv::{Terminator, WriterBuilder};
use serde_json::Value;
use serde_json::value::RawValue;

use super::columns::{Column, Columns};
use super::table::display_order;
use super::text::{Names, format_field, printable};

type Fields = BTreeMap<String, Box<RawValue>>;

/// The names of the columns.
pub(super) fn header(columns: &Columns) -> String {
    encode([columns
        .iter()
        .map(|column| printable(column.name()))
        .collect()])
}

/// Several resources, a record each, and how many rows are no resources and left out.
pub(super) fn records(list: &[RawJson], columns: &Columns) -> (String, usize) {
    let resources: Vec<Fields> = list.iter().filter_map(|raw| raw.decode().ok()).collect();
    let left_out = list.len() - resources.len();
    let records = resources.iter().map(|fields| {
        let columns = columns.iter();
        columns.map(|column| cell(fields, column)).collect()
    });
    (encode(records), left_out)
}

/// The columns of one resource: all of its fields.
pub(super) fn all_columns(raw: &RawJson) -> Columns {
    let fields: Fields = raw.decode().unwrap_or_default();
    Columns::named(display_order(fields.keys().map(String::as_str)))
}

fn encode(records: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        // Each record has as many fields as there are columns.
        .flexible(true)
        .from_writer(Vec::new());
    for record in records {
        // Memory takes whatever is written.
        let _ = writer.write_record(record);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn cell(fields: &Fields, column: &Column) -> String {
    let found = column.find(|name| fields.get_key_value(name));
    let Some((name, raw)) = found else {
        return String::new();
    };
    let text = raw.get();
    let value = || RawJson::parse(text).ok()?.decode::<Value>().ok();
    match text.as_bytes().first() {
        Some(b'n') => String::new(),
        Some(b'"' | b'[' | b'{') => match value() {
            Some(Value::String(text)) => printable(&text),
            Some(nested) => format_field(name, &nested, Names::All),
            None => text.to_owned(),
        },
        // As it was written: a number keeps its digits.
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(list: &[RawJson], columns: &Columns) -> String {
        super::records(list, columns).0
    }

    fn row(json: &str) -> RawJson {
        RawJson::parse(json).unwrap()
    }

    #[test]
    fn quotes_commas_and_line_breaks_are_quoted() {
        let row = row(r#"{"a":"one, \"two\"\r\nthree","b":"plain","c":"é\u001b[2J"}"#);
        let columns = Columns::named(["a", "b", "c", "d"]);
        assert_eq!(header(&columns), "a,b,c,d\r\n");
        assert_eq!(
            records(&[row], &columns),
            "\"one, \"\"two\"\"\r\nthree\",plain,é[2J,\r\n"
        );
    }

    #[test]
    fn values_are_as_they_were_sent_and_nested_ones_whole() {
        let names: Vec<_> = (1..=7)
            .map(|n| format!(r#"{{"id":{n},"name":"P{n}"}}"#))
            .collect();
        let row = row(&format!(
            r#"{{"id":12345678901234567890123,"x":1.50,"yes":true,"nothing":null,"credits":[{}],
                "volume":{{"id":3,"name":"Saga"}},"image":{{"original_url":"http://i/2"}},"half":"a\ud83d"}}"#,
            names.join(",")
        ));
        let columns = Columns::named([
            "id", "x", "yes", "nothing", "credits", "volume", "image", "half",
        ]);
        assert_eq!(
            records(&[row], &columns),
            "12345678901234567890123,1.50,true,,\"7: P1, P2, P3, P4, P5, P6, P7\",Saga,http://i/2,a\u{fffd}\r\n"
        );
    }

    #[test]
    fn record_of_one_empty_field_is_a_record() {
        let rows = [row(r#"{"id":1}"#), row("[]")];
        assert_eq!(records(&rows, &Columns::named(["deck"])), "\"\"\r\n");
    }

    #[test]
    fn field_is_found_under_its_other_spelling() {
        let columns = Columns::new([Column::new("count", ["counnt"])]);
        assert_eq!(records(&[row(r#"{"counnt":4}"#)], &columns), "4\r\n");
    }
}
