//! JSON values as text: relations as count and names, without markup, on one line.

use serde_json::{Map, Value};

/// How many names of a relation are shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    /// The first five.
    First,
    All,
}

impl Names {
    const fn max(self) -> usize {
        match self {
            Self::First => 5,
            Self::All => usize::MAX,
        }
    }
}

/// The value of the field `name`, on one line.
pub(super) fn format_field(name: &str, value: &Value, names: Names) -> String {
    match (name, value) {
        // One name per line, with any kind of line break.
        ("aliases", Value::String(text)) => {
            let lines = text.lines().map(plain_text);
            lines
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join(", ")
        }
        ("image", Value::Object(image)) => image
            .get("original_url")
            .map(|url| format_value(url, names))
            .unwrap_or_default(),
        _ => format_value(value, names),
    }
}

fn format_value(value: &Value, names: Names) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => plain_text(text),
        Value::Array(items) => relation(items, names),
        Value::Object(fields) => reference(fields, names),
    }
}

/// The count and the first names: `34: Ant-Man, Beast, …`; only the count if there are no names.
fn relation(items: &[Value], names: Names) -> String {
    let shown: Vec<String> = items
        .iter()
        .filter(|item| !item.is_object() || item.get("name").is_some())
        .map(|item| format_value(item, names))
        .filter(|name| !name.is_empty())
        .take(names.max())
        .collect();
    match (items.len(), shown.len()) {
        (0, _) => String::new(),
        (all, 0) => all.to_string(),
        (all, count) => {
            let more = if count < all { ", …" } else { "" };
            format!("{all}: {}{more}", shown.join(", "))
        }
    }
}

fn reference(fields: &Map<String, Value>, names: Names) -> String {
    let format_value = |value| format_value(value, names);
    match fields.get("name") {
        Some(name) if !name.is_null() => {
            let number = fields.get("issue_number").map(format_value);
            number.filter(|number| !number.is_empty()).map_or_else(
                || format_value(name),
                |number| format!("{} (#{number})", format_value(name)),
            )
        }
        _ => fields
            .get("id")
            .or_else(|| fields.get("date"))
            .map(format_value)
            .unwrap_or_default(),
    }
}

/// HTML as text: tags become spaces, the common entities characters, runs of white space one space.
fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    let mut has_ends = true;
    while let Some((before, tail)) = rest.split_once('<') {
        text.push_str(before);
        // `a < b` is text, not a tag.
        let is_tag =
            tail.starts_with(|next: char| next.is_ascii_alphabetic() || "/!".contains(next));
        // Once there is no end, there is none further on: the text is searched for it once.
        let end = if is_tag && has_ends {
            tail.find('>')
        } else {
            None
        };
        has_ends &= !is_tag || end.is_some();
        if let Some(end) = end {
            text.push(' ');
            rest = &tail[end + 1..];
        } else {
            text.push('<');
            rest = tail;
        }
    }
    text.push_str(rest);
    let text = text
        .replace("&nbsp;", " ")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    text.split(|character: char| character.is_whitespace() || controls_terminal(character))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a terminal does something at this character instead of showing it, or shows what follows in another
/// order.
pub(super) fn controls_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without characters that control the terminal; tabs and line breaks stay.
pub(super) fn printable(text: &str) -> String {
    let is_kept =
        |character: &char| "\t\r\n".contains(*character) || !controls_terminal(*character);
    text.chars().filter(is_kept).collect()
}

/// At most `longest` characters, with an ellipsis if the text was cut.
pub(super) fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn format_value(value: &Value) -> String {
        super::format_value(value, Names::First)
    }

    #[test]
    fn relations_are_named_and_counted() {
        let credits: Vec<_> = (1..=7)
            .map(|id| json!({"id": id, "name": format!("P{id}")}))
            .collect();
        assert_eq!(format_value(&json!(credits)), "7: P1, P2, P3, P4, P5, …");
        assert_eq!(format_value(&json!([])), "");
        assert_eq!(format_value(&json!([{"caption": null, "id": 4}])), "1");
        assert_eq!(format_value(&json!({"id": 3, "name": null})), "3");
        assert_eq!(
            format_value(&json!({"name": "Weird", "issue_number": "½"})),
            "Weird (#½)"
        );
    }

    #[test]
    fn markup_is_removed_from_descriptions() {
        let html = "<p>One &amp; <b>two</b></p>\r\nthree<br/>four";
        assert_eq!(plain_text(html), "One & two three four");
        for text in ["1 > 0", "1 < 2 > 0", "a <b", "<3"] {
            assert_eq!(plain_text(text), text);
        }
    }

    #[test]
    fn nothing_in_an_answer_can_control_the_terminal() {
        assert_eq!(plain_text("a\u{1b}[2Jb\u{7}"), "a [2Jb");
        assert_eq!(plain_text("a\u{202e}b\u{9b}2Jc"), "a b 2Jc");
        assert_eq!(printable("a\u{1b}[2J\tb\n\u{2066}c\u{7f}"), "a[2J\tb\nc");
    }

    #[test]
    fn tags_without_an_end_take_no_longer_than_others() {
        let html = "<a".repeat(2_000_000);
        assert_eq!(plain_text(&html), html);
    }

    #[test]
    fn aliases_are_separated_and_an_image_is_its_address() {
        assert_eq!(
            format_field("aliases", &json!("A b\r\nC\n"), Names::First),
            "A b, C"
        );
        let image = json!({"icon_url": "http://i/1", "original_url": "http://i/2"});
        assert_eq!(format_field("image", &image, Names::First), "http://i/2");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shorten("½½½", 2), "½½…");
        assert_eq!(shorten("½½", 2), "½½");
    }
}
