//! JSON values in words: relations by name and number, markup removed, lines joined.

use serde_json::{Map, Value};

/// Names of a relation that are shown before the rest is only counted.
const SHOWN_NAMES: usize = 5;

/// The value of the field `name`, on one line.
pub(super) fn in_words(name: &str, value: &Value) -> String {
    match (name, value) {
        // One name per line, with any kind of line break.
        ("aliases", Value::String(text)) => {
            let lines = text.lines().map(plain_text);
            lines
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join(", ")
        }
        ("image", Value::Object(image)) => image.get("original_url").map(words).unwrap_or_default(),
        _ => words(value),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => plain_text(text),
        Value::Array(items) => relation(items),
        Value::Object(fields) => reference(fields),
    }
}

/// How many, and the first names: `34: Ant-Man, Beast, …`; only how many if they have no names.
fn relation(items: &[Value]) -> String {
    let names: Vec<String> = items
        .iter()
        .filter(|item| !item.is_object() || item.get("name").is_some())
        .map(words)
        .filter(|name| !name.is_empty())
        .take(SHOWN_NAMES)
        .collect();
    match (items.len(), names.len()) {
        (0, _) => String::new(),
        (all, 0) => all.to_string(),
        (all, shown) => {
            let more = if shown < all { ", …" } else { "" };
            format!("{all}: {}{more}", names.join(", "))
        }
    }
}

fn reference(fields: &Map<String, Value>) -> String {
    match fields.get("name") {
        Some(name) if !name.is_null() => {
            let number = fields.get("issue_number").map(words);
            number.filter(|number| !number.is_empty()).map_or_else(
                || words(name),
                |number| format!("{} (#{number})", words(name)),
            )
        }
        _ => fields
            .get("id")
            .or_else(|| fields.get("date"))
            .map(words)
            .unwrap_or_default(),
    }
}

/// HTML as text: tags become spaces, the common entities characters, runs of white space one space.
fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tail)) = rest.split_once('<') {
        text.push_str(before);
        // Only what looks like a tag is one; `a < b` is text.
        let is_tag =
            tail.starts_with(|next: char| next.is_ascii_alphabetic() || "/!".contains(next));
        match tail.split_once('>') {
            Some((_, after)) if is_tag => {
                text.push(' ');
                rest = after;
            }
            _ => {
                text.push('<');
                rest = tail;
            }
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
    // A control character from afar could rewrite the terminal.
    text.split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// At most `longest` characters, with a mark where something is left out.
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

    #[test]
    fn relations_are_named_and_counted() {
        let credits: Vec<_> = (1..=7)
            .map(|id| json!({"id": id, "name": format!("P{id}")}))
            .collect();
        assert_eq!(words(&json!(credits)), "7: P1, P2, P3, P4, P5, …");
        assert_eq!(words(&json!([])), "");
        assert_eq!(words(&json!([{"caption": null, "id": 4}])), "1");
        assert_eq!(words(&json!({"id": 3, "name": null})), "3");
        assert_eq!(
            words(&json!({"name": "Weird", "issue_number": "½"})),
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
    }

    #[test]
    fn aliases_are_separated_and_an_image_is_its_address() {
        assert_eq!(in_words("aliases", &json!("A b\r\nC\n")), "A b, C");
        let image = json!({"icon_url": "http://i/1", "original_url": "http://i/2"});
        assert_eq!(in_words("image", &image), "http://i/2");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shorten("½½½", 2), "½½…");
        assert_eq!(shorten("½½", 2), "½½");
    }
}
